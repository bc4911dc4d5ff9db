'use strict'
// The tools that have a package.json of their own, apart from the project's.
const fs = require('node:fs')
const path = require('node:path')

const read = (...parts) => JSON.parse(fs.readFileSync(path.join(...parts, 'package.json'), 'utf8'))

/** Whether a folder's node_modules holds what its package.json asks for, in these versions. */
function hasDependencies(folder) {
  return Object.entries(read(folder).dependencies).every(([name, wanted]) => {
    const installed = path.join(folder, 'node_modules', name)
    return fs.existsSync(path.join(installed, 'package.json')) && wanted.split('@').at(-1) === read(installed).version
  })
}

module.exports = { hasDependencies }
