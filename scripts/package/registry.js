'use strict'
// node registry.js <tarball> …: an npm registry on this machine with these packages alone. Prints its address.
const { execFileSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')

const manifestOf = (file) =>
  JSON.parse(execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' }))

const packages = new Map(
  process.argv.slice(2).map((file) => {
    const manifest = manifestOf(file)
    return [manifest.name, { manifest, tarball: fs.readFileSync(file) }]
  })
)

const server = http.createServer(({ url, headers }, response) => {
  const [, name, wantsTarball] = url.split('/')
  const found = packages.get(name)
  if (!found) return response.writeHead(404).end()
  const { manifest, tarball } = found
  if (wantsTarball) return response.end(tarball)
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const dist = { integrity, tarball: `http://${headers.host}/${name}/tarball.tgz` }
  const { version } = manifest
  response.end(
    JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } })
  )
})

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
