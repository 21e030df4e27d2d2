import { BackupError } from '../../errors.ts'
import { jailed } from '../jail.ts'
import { closeStream, programStream, runProgram } from '../process.ts'
import type { Attribute } from './entry.ts'
import type { OpenRoot } from './open-root.ts'

/** Gives the attributes of paths one after the other, so that those of few are in memory at a time. */
export interface AttributeReader {
  /** MUST be called with every path, in order. Undefined where it has none. */
  of(path: string): Promise<Attribute[] | undefined>
  /** Settles when all was read, and MUST be called after the last path. Throws NOT_STILL where one has vanished. */
  end(): Promise<void>
  /** Ends the reading early. Never rejects. */
  abandon(): Promise<void>
}

/**
 * Reads extended attributes, ACLs and file capabilities of those `paths` (relative to `folder`) that have any. Node has no call for them.
 * SELinux labels are left out, as GNU tar does: a restored file takes the label of its new place. The reading begins at once.
 */
export function readAttributes(
  tree: Pick<OpenRoot, 'descriptor'>,
  paths: string[],
  signal: AbortSignal,
): AttributeReader {
  const args = ['-h', '-d', '-m', '-', '-e', 'base64', '--', ...paths.map((path) => `./${path}`)]
  const stream = programStream(...jailed({ tree: tree.descriptor, writable: false }, 'getfattr', args), { signal })
  const blocks = parseStream(stream.setEncoding('utf8'))
  let ahead = blocks.next()
  ahead.catch(() => {}) // Whoever asks next gets the error.
  const next = () =>
    ahead.catch((error) => {
      throw explainFailure(error)
    })
  return {
    of: async (path) => {
      const { value } = await next()
      if (value?.[0] !== path) return undefined
      ahead = blocks.next()
      ahead.catch(() => {})
      return value[1]
    },
    end: async () => {
      const { value } = await next()
      if (value)
        throw new BackupError('TOOL_FAILED', `getfattr: gave attributes of ${value[0]}, which was not asked for`)
    },
    abandon: () => closeStream(stream),
  }
}

function explainFailure(error: unknown): unknown {
  if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') return error
  const line = error.message.split('\n').find((each) => each.endsWith('No such file or directory'))
  return line === undefined
    ? error
    : new BackupError('NOT_STILL', `${line} (vanished while it was read)`, { cause: error })
}

/** Gives the attributes of a path when all of them are there. An empty line ends them. */
async function* parseStream(stream: AsyncIterable<string>): AsyncGenerator<[string, Attribute[]], void, void> {
  let text = ''
  for await (const piece of stream) {
    text += piece
    const end = text.lastIndexOf('\n\n') + 2
    if (end < 2) continue
    yield* parseAttributes(text.slice(0, end))
    text = text.slice(end)
  }
  yield* parseAttributes(text)
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
  const reader = readAttributes(tree, [path], signal)
  const attributes = (await reader.of(path)) ?? []
  await reader.end()
  for (const [name] of attributes) {
    const args = ['-h', '-x', name, '--', `./${path}`]
    const call = jailed({ tree: tree.descriptor, writable: true }, 'setfattr', args)
    const { exitCode, stderr } = await runProgram(...call, { signal })
    if (exitCode !== 0) throw new BackupError('TOOL_FAILED', `setfattr: exit code ${exitCode}: ${stderr.trim()}`)
  }
}
