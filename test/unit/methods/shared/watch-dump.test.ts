import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { watchDump } from '../../../../src/methods/shared/watch-dump.ts'

const chunks = ['one ', 'two ', 'three'].map((word) => Buffer.from(word))
const asError = (cause: unknown) => new Error('the dump failed', { cause })
const watch = (source: AsyncIterable<Buffer>, more: { finish?: () => void; inspect?: () => void } = {}) =>
  text(watchDump(source, { inspect: () => {}, finish: () => {}, asError, ...more }))

describe('watchDump', () => {
  test('passes the bytes on as they are, and shows each chunk before that', async () => {
    const seen: string[] = []
    const watched = watchDump(Readable.from(chunks), {
      inspect: (chunk) => void seen.push(chunk.toString()),
      finish: () => void seen.push('end'),
      asError,
    })
    await expect(text(watched)).resolves.toBe('one two three')
    expect(seen).toEqual(['one ', 'two ', 'three', 'end'])
  })

  test('what fails at the source, in a chunk or at the end fails for the reader, as `asError` says it', async () => {
    const fail = () => {
      throw new Error('torn')
    }
    async function* torn() {
      yield Buffer.from('one ')
      fail()
    }
    for (const work of [
      watch(torn()),
      watch(Readable.from(chunks), { inspect: fail }),
      watch(Readable.from(chunks), { finish: fail }),
    ]) {
      await expect(work).rejects.toMatchObject({ message: 'the dump failed', cause: { message: 'torn' } })
    }
  })
})
