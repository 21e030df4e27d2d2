import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findIndexes } from '../../../../src/methods/files/faiss.ts'

/**
 * Headers as faiss 1.11 wrote them for 300 vectors of dimension 16 (64 bits the binary ones), and the lengths of the
 * files.
 */
const written: [type: string, bytes: number, header: string][] = [
  ['IxF2', 19245, '100000002c01000000000000000010000000000000001000000000000101000000c0120000'],
  ['IxFI', 19245, '100000002c01000000000000000010000000000000001000000000000100000000c0120000'],
  ['IxFl', 19249, '100000002c0100000000000000001000000000000000100000000000010200000000000000'],
  ['IHNf', 43746, '100000002c010000000000000000100000000000000010000000000001010000000a000000'],
  ['IwFl', 22027, '100000002c0100000000000000001000000000000000100000000000010100000004000000'],
  ['IxPT', 11449, '100000002c0100000000000000001000000000000000100000000000010100000001000000'],
  ['IxMp', 21690, '100000002c0100000000000000001000000000000000100000000000010100000049784632100000002c010000'],
  ['IxM2', 21690, '100000002c0100000000000000001000000000000000100000000000010000000049784649100000002c010000'],
  ['IBxF', 2433, '40000000080000002c010000000000000101000000600900000000000000000000000000000000'],
]

let root: string
const put = (path: string, content: Uint8Array) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}
const index = (type: string, header: string, bytes: number): Buffer =>
  Buffer.concat([Buffer.from(type), Buffer.from(header, 'hex'), Buffer.alloc(bytes)]).subarray(0, bytes)
const record = (exclude: string[] = []): Record<string, unknown> => {
  const facts: Record<string, unknown> = {}
  for (const { path, header } of findIndexes([{ origin: '/data', root, exclude }])) facts[`faiss ${path}`] = header
  return facts
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'xnai-test-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('an index that is whole', () => {
  test.each(written)('%s', (type, bytes, header) => {
    put('sub/a.faiss', index(type, header, bytes))
    const dimension = type === 'IBxF' ? 64 : 16
    expect(record()).toEqual({ 'faiss /data/sub/a.faiss': { type, dimension, ntotal: 300 } })
  })

  test('is known by its first bytes where its name says nothing', () => {
    const [type, bytes, header] = written[0] as (typeof written)[number]
    put('vectors', index(type, header, bytes))
    put('other.index', Buffer.from('INSERT INTO t VALUES (1); -- of some other program, by chance'))
    expect(Object.keys(record())).toEqual(['faiss /data/vectors'])
  })

  test('is not looked for deep down, in what is excluded, nor behind links', () => {
    put('1/2/3.faiss', Buffer.alloc(0))
    put('cache/a.faiss', Buffer.alloc(0))
    symlinkSync('/dev/zero', join(root, 'b.faiss'))
    expect(record(['cache'])).toEqual({})
  })
})

describe('an index that cannot be whole is an error that names it', () => {
  const [, bytes, header] = written[0] as (typeof written)[number]
  const [, idBytes, idHeader] = written[6] as (typeof written)[number]
  const rows: [what: string, content: Buffer, reason: RegExp][] = [
    ['empty', Buffer.alloc(0), /is empty/],
    ['something else', Buffer.from('<html>404</html>'), /does not begin as one/],
    ['cut in its header', index('IxF2', header, 20), /ends in its header, after 20 bytes/],
    ['cut in its vectors', index('IxF2', header, bytes - 1), /need 19245 bytes, it has 19244/],
    ['cut in its ids', index('IxMp', idHeader, idBytes - 1), /need 21690 bytes/],
    ['of no dimension', index('IwFl', `00000000${header.slice(8)}`, bytes), /300 vectors of dimension 0/],
    [
      'of negative size',
      index('IwFl', `${header.slice(0, 8)}ffffffffffffffff${header.slice(24)}`, bytes),
      /-1 vectors/,
    ],
  ]
  test.each(rows)('%s', (_, content, reason) => {
    put('a.faiss', content)
    const message = expect.stringMatching(new RegExp(`/data/a.faiss is no whole FAISS index.*${reason.source}`))
    expect(() => record()).toThrow(expect.objectContaining({ code: 'DUMP_FAILED', message }))
  })
})
