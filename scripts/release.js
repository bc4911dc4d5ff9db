'use strict'
// node release.js check: what is about to be published has a binary for every platform, a dated entry in the changelog, a
// repository, and the version of the tag that it is built from, if it is. node release.js notes: prints that entry.
const fs = require('node:fs')
const path = require('node:path')
const { repository, version } = require('../package.json')
const { binaryOf, targets } = require('./prebuilds/targets')

const root = path.join(__dirname, '..')

function changelogEntry() {
  const changelog = fs.readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8')
  const entries = changelog.split(/^(?=## )/m)
  const entry = entries.find((text) => /^## (\S+) - \d{4}-\d{2}-\d{2}\n/.exec(text)?.[1] === version)
  if (!entry) throw new Error(`CHANGELOG.md has no entry "## ${version} - <date>"`)
  return entry.slice(entry.indexOf('\n')).trim()
}

function check() {
  changelogEntry()
  if (!repository) throw new Error('package.json names no repository, without which npm takes no provenance')
  const missing = targets.map(binaryOf).filter((file) => !fs.existsSync(path.join(root, file)))
  if (missing.length > 0) throw new Error(`Run npm run prebuilds first: ${missing.join(', ')} missing`)
  const { GITHUB_REF_TYPE: type, GITHUB_REF_NAME: tag } = process.env
  if (type === 'tag' && tag !== `v${version}`) throw new Error(`The tag is ${tag}, the version ${version}`)
}

const commands = { check, notes: () => console.log(changelogEntry()) }

commands[process.argv[2]]()
