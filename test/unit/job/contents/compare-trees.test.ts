import fc from 'fast-check'
import { expect, test } from 'vitest'
import { comparePaths, compareTrees } from '../../../../src/job/contents/compare-trees.ts'
import type { ListedEntry } from '../../../../src/repository/repository.ts'

const file = (path: string, more: Partial<ListedEntry> = {}): ListedEntry => ({
  ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 3, mtimeNs: 1n },
  ...more,
})
const folder = (path: string, more: Partial<ListedEntry> = {}) => file(path, { type: 'directory', size: 0, ...more })

async function* stream(entries: ListedEntry[]) {
  yield* entries
}

const compare = async (before: ListedEntry[], after: ListedEntry[]) =>
  (await Array.fromAsync(compareTrees(stream(before), stream(after)))).map(({ path, change, fields }) =>
    `${path} ${change} ${fields.join(' ')}`.trim(),
  )

test.each<[string, Partial<ListedEntry>, string[]]>([
  ['nothing', {}, []],
  ['length', { size: 4 }, ['a changed size']],
  ['time', { mtimeNs: 2n }, ['a changed time']],
  ['mode', { mode: 0o600 }, ['a changed mode']],
  ['owner', { gid: 7 }, ['a changed owner']],
  ['type, and where the link leads', { type: 'symlink', linksTo: 'b' }, ['a changed type link']],
  ['the file that it is a name of', { sharesWith: 'b' }, ['a changed link']],
])('an entry that differs in %s', async (_, more, expected) => {
  expect(await compare([folder('.'), file('a')], [folder('.'), file('a', more)])).toEqual(expected)
})

test('a folder differs by its mode, and not by the time that each name in it changes', async () => {
  const [before, after] = [[folder('.')], [folder('.', { mtimeNs: 9n })]]
  expect(await compare(before, after)).toEqual([])
  expect(await compare(before, [folder('.', { mode: 0o700 })])).toEqual(['. changed mode'])
})

test('what is on one side only, at the beginning, in folders and at the end', async () => {
  const before = [folder('.'), folder('a'), file('a/x'), file('a-b'), file('c')]
  const after = [folder('.'), file('0'), file('a-b'), folder('c'), file('c/d'), file('e')]
  expect(await compare(before, after)).toEqual([
    ...['0 added', 'a removed', 'a/x removed', 'c changed type size', 'c/d added', 'e added'],
  ])
})

test('paths are in the order of a walk', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'b', '-', '.x', ' ', '\u{1f600}', '\uff5e'),
    minLength: 1,
    maxLength: 2,
  })
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  /** A walk sorts the names of a folder, and lists what is in one right after it. */
  const walk = (paths: string[][]): string[] =>
    [...Map.groupBy(paths, ([first = '']) => first)]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([first, below]) => {
        const inside = below.map(([, ...rest]) => rest)
        const self = inside.some((rest) => rest.length === 0) ? [first] : []
        return [...self, ...walk(inside.filter((rest) => rest.length > 0)).map((rest) => `${first}/${rest}`)]
      })
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 12 }), (paths) => {
      expect(['.', ...paths].sort(comparePaths)).toEqual(['.', ...walk(paths.map((one) => one.split('/')))])
    }),
  )
})
