import { copyFileSync, globSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { takeBuiltIns } from './built-ins.ts'
import { groupsOf } from './groups.ts'

const root = join(import.meta.dirname, '../..')

/** A file that Node loads: its name, and the paths of all that is in it. */
export interface BundledFile {
  name: string
  modules: string[]
}

/**
 * Makes one folder of files that Node runs as they are, of `programs` (paths in the checkout, by the names of the files that they become)
 * and of all that they need: our own code, its packages, and what it calls by `ownFile` or `ownName`. Code that is loaded on demand stays
 * in files of its own.
 */
export async function bundle(programs: Record<string, string>, folder: string): Promise<BundledFile[]> {
  const own = findOwnFiles()
  const entries = own.filter((path) => path.endsWith('.ts')).map((path) => [flatName(path), join('src', path)])
  const build = await rolldown({
    cwd: root,
    input: { ...Object.fromEntries(entries), ...programs },
    platform: 'node',
    plugins: [leaveOut, takeBuiltIns],
    // On a busy machine it finds a plugin slow.
    checks: { bundlerTimings: false },
    onwarn: (warning) => {
      throw new Error(warning.message)
    },
  })
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
    codeSplitting: { groups: [{ name: groupsOf(entries.map(([, path]) => path as string)) }] },
  })
  for (const path of own.filter((path) => !path.endsWith('.ts')))
    copyFileSync(join(root, 'src', path), join(folder, flatName(path)))
  return output.filter((file): file is OutputChunk => file.type === 'chunk').map(toFile)
}

const toFile = ({ fileName, moduleIds }: OutputChunk): BundledFile => ({
  name: fileName,
  modules: moduleIds.filter(isAbsolute),
})

/** See src/lib/own-files.ts. */
const flatName = (path: string) => path.replaceAll('/', '-').replace(/\.ts$/, '')

function findOwnFiles(): string[] {
  const calls = globSync('src/**/*.ts', { cwd: root }).flatMap((path) => [
    ...readFileSync(join(root, path), 'utf8').matchAll(/\bown(?:File|Name)\('([^']+)'\)/g),
  ])
  return [...new Set(calls.map(([, path]) => path as string))].toSorted()
}

/** What packages load and this program never uses: importer, and the names by which it imports. */
const unused: [importer: RegExp, names: RegExp][] = [
  // Messages in fifty languages.
  [/\/node_modules\/zod\//, /\/locales\/index\.js$/],
  // Image builds, and addresses of the kind ssh://.
  [/\/node_modules\/dockerode\//, /^(?:@grpc\/.*|protobufjs|tar-fs)$/],
  [/\/node_modules\/docker-modem\//, /^ssh2$/],
]

const leaveOut: Plugin = {
  name: 'leave-out',
  resolveId: (id, importer = '') =>
    unused.some(([by, names]) => by.test(importer) && names.test(id)) ? '\0nothing' : undefined,
  load: (id) => (id === '\0nothing' ? 'export {}' : undefined),
}
