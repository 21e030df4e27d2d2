import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The rules of docs/architecture.md, read from the import lines and the text of src. */

const root = join(import.meta.dirname, '..', 'src')

/**
 * From the ground up: a file imports from lower floors, from its own folder, and types from the other folders of its
 * floor.
 */
const floors = [
  ['lib', 'errors', 'hints', 'version'],
  ['labels'],
  ['engine', 'repository', 'catalog', 'methods'],
  ['plan'],
  ['recipes'],
  ['job'],
  ['drill'],
  ['report'],
  ['notify'],
  ['controller', 'config', 'page', 'metrics'],
  ['http'],
  ['doctor', 'runbook'],
  ['cli'],
  ['main'],
]

/** Decisions without effects: no I/O, no clock, no logger. */
const pureFolders = ['labels', 'plan', 'recipes', 'runbook']
const purePackages = ['croner', 'fastest-levenshtein', 'zod', 'node:path', 'node:path/posix']
const pureLib = ['lib/duration.ts', 'lib/glob.ts']

/** What only some may do: pattern in the code without comments → files or folders that may. */
const reserved: [what: string, pattern: RegExp, allowed: string[]][] = [
  ['process.env', /\bprocess\s*\.\s*env\b/, ['config/load.ts', 'cli/process-io.ts']],
  ['child processes', /['"](?:node:)?child_process['"]|['"]execa['"]/, ['lib']],
  ['process.exit', /\bprocess\s*\.\s*exit\b/, ['main.ts', 'lib/child/main.ts']],
  [
    'the place of a file, which is another one in the bundle',
    /\bimport\.meta\.(?:dirname|filename|url)\b/,
    ['lib/own-files.ts', 'lib/process.ts'],
  ],
  ['Date.now', /\bDate\s*\.\s*now\b/, ['lib/clock.ts']],
  ['the time of now by new Date()', /\bnew\s+Date\b\s*(?:\(\s*\)|(?!\s*\())/, ['lib/clock.ts']],
  ['the engine API', /['"](?:dockerode|docker-modem)['"]/, ['engine']],
  ['an error as a field of the log', /\blog\s*\.\s*\w+\(\s*\{[^}]*\berr\b/, ['lib/log-failure.ts']],
  [
    'a command of the engine in a hint',
    /\b(?:podman|docker) (?:exec|healthcheck|inspect|kill|logs|pause|ps|restart|rm|run|start|stop|unpause)\b/,
    ['hints.ts', 'repository/hold.ts'],
  ],
  ['the command line parser', /['"]commander['"]/, ['cli']],
]

interface Import {
  /** A file of src, or the name of a package. */
  to: string
  typeOnly: boolean
}

interface SourceFile {
  path: string
  text: string
  code: string
  imports: Import[]
}

const files = globSync('**/*.ts', { cwd: root }).toSorted().map(readSource)
const importLines = files.flatMap(({ path, imports }) => imports.map((each) => ({ from: path, ...each })))
const isOurs = ({ to }: Import) => to.endsWith('.ts')

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const code = text.replace(/\/\*.*?\*\//gs, '').replace(/(^|\s)\/\/.*$/gm, '')
  return { path, text, code, imports: importsOf(path, code) }
}

function importsOf(path: string, code: string): Import[] {
  const lines = code.matchAll(/^(?:import|export)\s+(type\s+)?(?:[\w*{][^'";]*?\sfrom\s+)?'([^']+)'/gm)
  const calls = code.matchAll(/\bimport\(\s*()'([^']+)'/g)
  return [...lines, ...calls].map(([, type, target = '']) => ({
    to: target.startsWith('.') ? normalize(join(dirname(path), target)) : target,
    typeOnly: Boolean(type),
  }))
}

/** `labels/spec.ts` → labels, `errors.ts` → errors. */
const folderOf = (path: string) => (path.split('/')[0] as string).replace(/\.ts$/, '')
const floorOf = (path: string) => floors.findIndex((folders) => folders.includes(folderOf(path)))
const mayBe = (path: string, allowed: string[]) => allowed.some((each) => path === each || path.startsWith(`${each}/`))
const describeImport = ({ from, to }: { from: string; to: string }) => `${from} imports ${to}`

function goesUp({ from, to, typeOnly }: { from: string } & Import): boolean {
  if (folderOf(from) === folderOf(to)) return false
  return floorOf(to) > floorOf(from) || (floorOf(to) === floorOf(from) && floorOf(from) > 0 && !typeOnly)
}

function isImpure({ to, typeOnly }: Import): boolean {
  if (typeOnly) return false
  if (!to.endsWith('.ts')) return !purePackages.includes(to)
  return folderOf(to) === 'lib' && !pureLib.includes(to)
}

/** Files on the way back to `path`, or undefined. */
function findCycle(path: string, trail: string[], done: Set<string>): string[] | undefined {
  if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
  if (done.has(path)) return undefined
  const imports = files.find((file) => file.path === path)?.imports ?? []
  for (const { to } of imports.filter((each) => isOurs(each) && !each.typeOnly)) {
    const cycle = findCycle(to, [...trail, path], done)
    if (cycle) return cycle
  }
  done.add(path)
  return undefined
}

describe('architecture', () => {
  test('the import lines were found', () => {
    expect(importLines.filter(isOurs).length).toBeGreaterThan(files.length)
    expect(importLines.filter(({ typeOnly }) => typeOnly).length).toBeGreaterThan(0)
  })

  test('every folder of src has its floor, and every floor its folders', () => {
    expect([...new Set(files.map(({ path }) => folderOf(path)))].toSorted()).toEqual(floors.flat().toSorted())
  })

  test('imports name files that exist', () => {
    const paths = new Set(files.map(({ path }) => path))
    expect(importLines.filter((each) => isOurs(each) && !paths.has(each.to)).map(describeImport)).toEqual([])
  })

  test('imports go down; siblings know each other by types only', () => {
    expect(importLines.filter((each) => isOurs(each) && goesUp(each)).map(describeImport)).toEqual([])
  })

  test('no method knows another, and what they share knows none', () => {
    const kinds = readdirSync(join(root, 'methods'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
      .map(({ name }) => name)
    expect(kinds).toContain('files')
    const partOf = (path: string) => /^methods\/(\w+)\//.exec(path)?.[1]
    const crossing = importLines.filter(({ from, to }) => {
      const target = partOf(to) ?? ''
      return partOf(from) !== undefined && kinds.includes(target) && partOf(from) !== target
    })
    expect(crossing.map(describeImport)).toEqual([])
  })

  test('no command knows another, and what they share knows none', () => {
    const isCommand = (path: string) => path.startsWith('cli/commands/')
    const toCommands = importLines.filter(({ from, to }) => isCommand(to) && from !== 'cli/program.ts')
    expect(toCommands.map(describeImport)).toEqual([])
    expect(files.filter(({ path }) => isCommand(path)).length).toBeGreaterThan(0)
  })

  test('nothing imports in a circle', () => {
    const done = new Set<string>()
    expect(files.map(({ path }) => findCycle(path, [], done)).find(Boolean)).toBeUndefined()
  })

  test.each(pureFolders)('%s is pure', (folder) => {
    const own = files.filter(({ path }) => folderOf(path) === folder)
    expect(own.length).toBeGreaterThan(0)
    expect(importLines.filter((each) => folderOf(each.from) === folder && isImpure(each)).map(describeImport)).toEqual(
      [],
    )
    const effects = /\b(?:process|setTimeout|setInterval|performance|fetch|console)\b\s*[.(]|\bMath\.random\b/
    expect(own.filter(({ code }) => effects.test(code)).map(({ path }) => path)).toEqual([])
  })

  test.each(reserved)('%s stays in its place', (_, pattern, allowed) => {
    expect(
      files.filter(({ path, code }) => pattern.test(code) && !mayBe(path, allowed)).map(({ path }) => path),
    ).toEqual([])
  })

  test('no file is longer than 250 lines', () => {
    expect(files.filter(({ text }) => text.split('\n').length > 251).map(({ path }) => path)).toEqual([])
  })
})
