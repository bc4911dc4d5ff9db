import * as packedRnn from 'packed-rnn'
import { LSTM } from 'packed-rnn'
import smoke from './smoke.js'

if (LSTM !== packedRnn.LSTM) throw new Error('The named import is another class')
console.log(JSON.stringify(await smoke(packedRnn)))
