import { BackupError } from '../../errors.ts'
import { jailed } from '../jail.ts'
import { runProgram } from '../process.ts'
import type { Attribute } from './entry.ts'
import type { OpenRoot } from './open-root.ts'

/**
 * Reads extended attributes, ACLs and file capabilities of those `paths` (relative to `folder`) that have any. Node has no call for them.
 * SELinux labels are left out, as GNU tar does: a restored file takes the label of its new place.
 */
export async function readAttributes(
  tree: Pick<OpenRoot, 'descriptor'>,
  paths: string[],
  signal: AbortSignal,
): Promise<Map<string, Attribute[]>> {
  if (paths.length === 0) return new Map()
  const args = ['-h', '-d', '-m', '-', '-e', 'base64', '--', ...paths.map((path) => `./${path}`)]
  const call = jailed({ tree: tree.descriptor, writable: false }, 'getfattr', args)
  const { exitCode, stdout, stderr } = await runProgram(...call, { signal, timeoutSeconds: 600 })
  if (exitCode === 0) return parseAttributes(stdout)
  const line = stderr.trim().split('\n')[0] ?? ''
  if (line.endsWith('No such file or directory'))
    throw new BackupError('NOT_STILL', `${line} (vanished while it was read)`)
  throw new BackupError('TOOL_FAILED', `getfattr: exit code ${exitCode}: ${line}`)
}

/** Parses the output of `getfattr -d -e base64`. The answer maps a path to its attributes. */
export function parseAttributes(dump: string): Map<string, Attribute[]> {
  const found = new Map<string, Attribute[]>()
  for (const block of dump.split('\n\n')) {
    const [head, ...lines] = block.split('\n')
    if (!head?.startsWith('# file: ')) continue
    const path = unquote(head.slice('# file: '.length)).replace(/^\.\/(?=.)/, '')
    const attributes = lines.filter((line) => line !== '').map(parseLine)
    const kept = attributes.filter(([name]) => name !== 'security.selinux')
    if (kept.length > 0) found.set(path, kept)
  }
  return found
}

function parseLine(line: string): Attribute {
  const [name = '', value = ''] = line.split(/=(.*)/s)
  if (name.includes('\uFFFD')) throw new BackupError('TREE_UNSUPPORTED', `attribute ${name}: its name is not UTF-8`)
  return [unquote(name), value.startsWith('0s') ? Buffer.from(value.slice(2), 'base64') : Buffer.alloc(0)]
}

/** Writes attributes in the same format, as `setfattr --restore` reads it. */
export function formatAttributes(path: string, attributes: Attribute[]): string {
  const lines = attributes.map(([name, value]) => `${quote(name)}=0s${value.toString('base64')}\n`)
  return `# file: ${quote(path === '.' ? '.' : `./${path}`)}\n${lines.join('')}\n`
}

/** getfattr writes backslash, line ends and the equals sign of a name as octal escapes. */
function unquote(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function quote(text: string): string {
  return text.replace(/[\\\n\r=]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

/** Removes every attribute of `path`, so that one inherited from the folder above does not mix with those of an archive. */
export async function clearAttributes(tree: OpenRoot, path: string, signal: AbortSignal): Promise<void> {
  const attributes = (await readAttributes(tree, [path], signal)).get(path) ?? []
  for (const [name] of attributes) {
    const args = ['-h', '-x', name, '--', `./${path}`]
    const call = jailed({ tree: tree.descriptor, writable: true }, 'setfattr', args)
    const { exitCode, stderr } = await runProgram(...call, { signal })
    if (exitCode !== 0) throw new BackupError('TOOL_FAILED', `setfattr: exit code ${exitCode}: ${stderr.trim()}`)
  }
}
