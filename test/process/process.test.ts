import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { asBackupError, BackupError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { poll } from '../../src/lib/deadline.ts'
import { jailed } from '../../src/lib/jail.ts'
import { feedProgram, filterThrough, programStream, runChecked, runProgram } from '../../src/lib/process.ts'

const signal = new AbortController().signal
const sh = (script: string) => ['-c', script]

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => asBackupError(cause),
  )
  return error ? `${error.code} ${error.message}` : 'no error'
}

async function isGone(pid: number): Promise<boolean> {
  const look = async () => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  }
  return poll(look, { what: `end of ${pid}`, seconds: 60, clock: systemClock, signal })
}

test('a jailed program that is ended at any moment of its start ends, and its stream closes', async () => {
  await using folder = await open('/tmp')
  for (let count = 0; count < 150; count++) {
    const abort = new AbortController()
    const program = feedProgram(...jailed({ tree: folder.fd, writable: false }, 'cat', []), { signal: abort.signal })
    await setTimeout((count % 15) * 0.8)
    const limit = AbortSignal.timeout(60_000)
    await Promise.race([program.abandon(), once(limit, 'abort').then(() => Promise.reject(limit.reason))])
  }
})

describe('runProgram', () => {
  test('answers exit code, output and standard error', async () => {
    const result = await runProgram('sh', sh('cat; echo bad >&2; exit 3'), { signal, input: 'in\n' })
    expect(result).toEqual({ exitCode: 3, stdout: 'in\n', stderr: 'bad\n' })
  })

  test('feeds a stream as input', async () => {
    const result = await runProgram('wc', ['-c'], { signal, input: Readable.from([Buffer.alloc(1_000_000)]) })
    expect(result.stdout.trim()).toBe('1000000')
  })

  test('does not mind a program that leaves its input unread', async () => {
    expect(await runProgram('true', [], { signal, input: Buffer.alloc(1_000_000) })).toMatchObject({ exitCode: 0 })
  })

  test.each([
    ['a missing program', 'no-such-program', [], 60, 'TOOL_MISSING no-such-program: no such program'],
    ['a program ended by a signal', 'sh', sh('kill -9 $$'), 60, 'TOOL_FAILED sh: ended by SIGKILL'],
    ['a program that never ends', 'sleep', ['3600'], 0.2, 'TIMEOUT sleep: no end after 0.2 s'],
  ])('fails for %s', async (_case, command, args, timeoutSeconds, expected) => {
    expect(await failureOf(runProgram(command, args, { signal, timeoutSeconds }))).toBe(expected)
  })

  test('passes environment and folder on', async () => {
    const result = await runProgram('sh', sh('echo $WORD; pwd'), { signal, environment: { WORD: 'x' }, cwd: '/' })
    expect(result.stdout).toBe('x\n/\n')
  })

  test('runChecked refuses an exit code other than 0 with the last lines', async () => {
    const work = runChecked('sh', sh('echo one >&2; echo two >&2; exit 3'), { signal })
    expect(await failureOf(work)).toBe('TOOL_FAILED sh: exit code 3: one\ntwo')
  })
})

describe('programStream', () => {
  test('hands over every byte, then ends', async () => {
    const bytes = await buffer(programStream('head', ['-c', '5000000', '/dev/zero'], { signal }))
    expect(bytes.length).toBe(5_000_000)
  })

  test.each([
    [
      'exits 3 after half the data',
      'head -c 100000 /dev/zero; echo torn >&2; exit 3',
      'TOOL_FAILED sh: exit code 3: torn',
    ],
    ['dies by a signal', 'head -c 100000 /dev/zero; kill -9 $$', 'TOOL_FAILED sh: ended by SIGKILL'],
    ['closes its output, then fails', 'exec >&-; exit 4', 'TOOL_FAILED sh: exit code 4'],
    [
      'floods standard error',
      'head -c 3000000 /dev/zero | tr "\\0" e >&2; echo >&2; echo end >&2; exit 5',
      /exit code 5: e*\nend$/,
    ],
  ])('is an error when the program %s', async (_case, script, expected) => {
    const failure = await failureOf(buffer(programStream('sh', sh(script), { signal })))
    if (typeof expected === 'string') expect(failure).toBe(expected)
    else expect(failure).toMatch(expected)
  })

  test('a flood on standard error does not stop a good program', async () => {
    const bytes = await buffer(programStream('sh', sh('head -c 3000000 /dev/zero >&2; echo ok'), { signal }))
    expect(bytes.toString()).toBe('ok\n')
  })

  test('a missing program is named', async () => {
    expect(await failureOf(buffer(programStream('no-such-program', [], { signal })))).toBe(
      'TOOL_MISSING no-such-program: no such program',
    )
  })

  test('abort ends a program that never ends, with the reason of the abort', async () => {
    const controller = new AbortController()
    const stream = programStream('sh', sh('echo $$; exec sleep 60'), { signal: controller.signal })
    const [first] = (await stream.take(1).toArray()) as Buffer[]
    expect(await isGone(Number(first))).toBe(true)

    const other = programStream('yes', [], { signal: controller.signal })
    const work = pipeline(other, new Writable({ write: (_chunk, _encoding, done) => done() }))
    controller.abort(new BackupError('TIMEOUT', 'too late'))
    expect(await failureOf(work)).toBe('TIMEOUT too late')
  })

  test('a sink that fails ends the program', async () => {
    let pid = 0
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        pid = Number.parseInt(chunk.toString(), 10)
        done(new Error('sink is full'))
      },
    })
    const work = pipeline(programStream('sh', sh('echo $$; exec yes'), { signal }), sink)
    expect(await failureOf(work)).toBe('INTERNAL sink is full')
    expect(await isGone(pid)).toBe(true)
  })
})

describe('filterThrough', () => {
  test('passes bytes through both ways', async () => {
    const data = Buffer.alloc(3_000_000, 'abc')
    const packed = Readable.from([data]).pipe(filterThrough('zstd', ['-q', '-c'], { signal }))
    const unpacked = packed.pipe(filterThrough('zstd', ['-q', '-d', '-c'], { signal }))
    expect((await buffer(unpacked)).equals(data)).toBe(true)
  })

  test.each([
    ['fails after it has read', 'cat >/dev/null; exit 7', 'TOOL_FAILED sh: exit code 7'],
    ['fails while it is being fed', 'head -c 10 >/dev/null; echo no >&2; exit 7', 'TOOL_FAILED sh: exit code 7: no'],
    ['stops reading early', 'head -c 10 >/dev/null', 'TOOL_FAILED sh: ended before it had read all of its input'],
  ])('is an error when the program %s', async (_case, script, expected) => {
    const source = Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(100_000)))
    expect(await failureOf(pipeline(source, filterThrough('sh', sh(script), { signal }), buffer))).toBe(expected)
  })

  test('a source that fails ends the program with no clean end', async () => {
    const source = Readable.from(
      (async function* () {
        yield Buffer.from('part')
        throw new Error('source broke')
      })(),
    )
    const filter = filterThrough('cat', [], { signal })
    expect(await failureOf(pipeline(source, filter, buffer))).toBe('INTERNAL source broke')
    expect(filter.destroyed).toBe(true)
  })
})
