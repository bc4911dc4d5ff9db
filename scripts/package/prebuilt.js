'use strict'
// npm run test:prebuilt: the tarball on the machine at hand, with its binary of the release.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { makeProject, packPackage } = require('./project')

const folder = makeProject(packPackage().path)
execFileSync(process.execPath, ['require.js'], { cwd: folder, stdio: 'inherit' })
fs.rmSync(folder, { recursive: true })
