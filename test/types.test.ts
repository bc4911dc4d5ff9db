import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

const root = path.join(__dirname, '..')
const tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')

// As Node resolves, and as bundlers do, without the types of Node.
test.each(['node.json', 'bundler.json'])(
  'the published declarations are what test/types/usage.ts expects: %s',
  async (name) => {
    const options = ['--listFiles', '--pretty', 'false', '-p', path.join(__dirname, 'types', name)]
    const run = promisify(execFile)(process.execPath, [tsc, ...options], { cwd: root })
    const { stdout } = await run.catch((failed: unknown) => failed as { stdout: string })
    const lines = stdout.split('\n')
    expect(lines.filter((line) => line.includes('error TS'))).toEqual([])
    expect(lines.map((line) => path.relative(root, line))).toContain(path.join('dist', 'index.d.ts'))
  }
)
