'use strict'

const packedRnn = require('packed-rnn')
const smoke = require('./smoke')

smoke(packedRnn).then(
  (result) => console.log(JSON.stringify(result)),
  (error) => {
    console.error(error)
    process.exit(1)
  }
)
