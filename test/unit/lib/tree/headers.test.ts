import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TreeEntry } from '../../../../src/lib/tree/entry.ts'
import { BLOCK, decodeHeader, encodeHeaders, padding } from '../../../../src/lib/tree/headers.ts'
import { applyPax, decodePax } from '../../../../src/lib/tree/pax.ts'

const plain: TreeEntry = { path: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtimeNs: 0n }

/** The headers of one entry read back, as the reader of a whole stream does. */
function readBack(bytes: Buffer): TreeEntry {
  const first = decodeHeader(bytes.subarray(0, BLOCK))
  if (!first) throw new Error('no header')
  if (first.flag !== 'x') return applyPax(first.entry, new Map())
  const end = BLOCK + first.entry.size
  const second = decodeHeader(bytes.subarray(end + padding(first.entry.size)))
  if (!second) throw new Error('no second header')
  return applyPax(second.entry, decodePax(bytes.subarray(BLOCK, end)))
}

describe('an entry comes back from its headers', () => {
  const cases: [string, Partial<TreeEntry>][] = [
    ['plain', {}],
    ['setuid, setgid and sticky', { mode: 0o7777 }],
    ['no permission at all', { mode: 0 }],
    ['ids above the fixed header', { uid: 524_288, gid: 4_294_967_295 }],
    ['8 GiB and more', { size: 9 * 1024 ** 4 }],
    ['nanoseconds', { mtimeNs: 1_700_000_000_123_456_789n }],
    ['one nanosecond before 1970', { mtimeNs: -1n }],
    ['a time after 2038', { mtimeNs: 4_000_000_000_000_000_000n }],
    ['a path of 1000 characters', { path: Array.from({ length: 10 }, () => 'x'.repeat(99)).join('/') }],
    ['a path that is clipped at a slash', { path: `${'h'.repeat(99)}/x` }],
    ['a path of other scripts', { path: 'ünï/\u{1F600}' }],
    ['line ends and equals signs', { path: 'a\n1 b=c\n' }],
    ['a long symlink', { type: 'symlink', linkname: 'é'.repeat(200) }],
    ['an absolute symlink', { type: 'symlink', linkname: '/etc/x' }],
    ['a hard link', { type: 'link', linkname: 'other/name' }],
    ['a device', { type: 'block-device', device: { major: 259, minor: 70_000 } }],
    ['a fifo', { type: 'fifo' }],
    ['holes', { sparse: true }],
    ['binary attributes', { attributes: [['user.x', Buffer.from([0, 255, 10, 61])]] }],
    ['an empty attribute with an odd name', { attributes: [['user.a=b%3D', Buffer.alloc(0)]] }],
    ['an attribute named like a property of every object', { attributes: [['constructor', Buffer.alloc(0)]] }],
  ]
  test.each(cases)('%s', (_case, changes) => {
    const entry = { ...plain, ...changes }
    expect(readBack(encodeHeaders(entry))).toEqual({ sparse: false, attributes: [], ...entry })
  })

  test('a directory, with the slash that every tar writes', () => {
    expect(readBack(encodeHeaders({ ...plain, path: 'sub', type: 'directory' })).path).toBe('sub/')
  })

  test('whatever it holds', () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((text) => !/[/\0]/.test(text) && text.isWellFormed())
    const entries = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/')),
      type: fc.constant('file' as const),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      size: fc.maxSafeNat(),
      mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      sparse: fc.boolean(),
      attributes: fc.uniqueArray(
        fc
          .tuple(name, fc.uint8Array({ maxLength: 300 }))
          .map(([key, value]): [string, Buffer] => [key, Buffer.from(value)]),
        { selector: ([key]) => key, maxLength: 4 },
      ),
    })
    const comesBack = (entry: TreeEntry) => {
      expect(readBack(encodeHeaders(entry))).toEqual(entry)
    }
    fc.assert(fc.property(entries, comesBack), { numRuns: 60 })
  })
})

describe('damage', () => {
  test('a flipped bit in a header never changes what is read: it is refused, or it is padding', () => {
    const header = encodeHeaders({ ...plain, path: 'some/file', mtimeNs: 1_000_000_000n })
    for (let bit = 0; bit < header.length * 8; bit++) {
      const flipped = Buffer.from(header)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      let read: TreeEntry | undefined
      try {
        read = decodeHeader(flipped)?.entry
      } catch {
        continue
      }
      expect(read, `bit ${bit}`).toEqual(decodeHeader(header)?.entry)
    }
  })

  test.each(['x', '5 a', '99 a=b\n', '6 a=bc', '0 a=b\n', '-6 a=b\n', '5 ab\n'])(
    'the extended header %j is refused',
    (text) => {
      expect(() => decodePax(Buffer.from(text))).toThrow('damaged extended header')
    },
  )
})
