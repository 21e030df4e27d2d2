import { describe, expect, test } from 'vitest'
import { makeLogger } from '../../../src/cli/log.ts'
import { makeScreen } from '../../../src/cli/render/screen.ts'
import { makeScrubber } from '../../../src/cli/secrets.ts'
import { BackupError } from '../../../src/errors.ts'
import { logFailure } from '../../../src/lib/log-failure.ts'

async function makeStage(isTTY: boolean, level = 'info') {
  const sink = { text: '', isTTY, write: (text: string) => (sink.text += text) }
  const scrubber = makeScrubber()
  scrubber.learn('open "sesame"')
  return { sink, log: await makeLogger(level, sink, makeScreen(sink), scrubber) }
}

describe('the log', () => {
  test('is one line of JSON for each entry in a pipe', async () => {
    const { sink, log } = await makeStage(false)
    log.child({ target: 'shop/redis' }).info({ bytes: 7 }, 'backup ended')
    expect(JSON.parse(sink.text)).toMatchObject({ level: 30, target: 'shop/redis', bytes: 7, msg: 'backup ended' })
    expect(sink.text).toMatch(/"time":"\d{4}-.*Z"/)
  })

  test('is text for people on a terminal', async () => {
    const { sink, log } = await makeStage(true)
    log.info('backup ended')
    expect(sink.text).toContain('INFO: backup ended')
  })

  test('leaves out what is below its level', async () => {
    const { sink, log } = await makeStage(false, 'warn')
    log.info('backup ended')
    expect(sink.text).toBe('')
  })

  describe('tells of a failure', () => {
    const cause = new Error('socket hang up', { cause: new Error('read\n ECONNRESET') })
    const failure = new BackupError('STREAM_CUT', 'the dump broke off', { cause, hint: 'Try again.' })
    const why = 'the dump broke off; because: socket hang up; because: read\n ECONNRESET'

    test('in a pipe by fields for code, cause and hint', async () => {
      const { sink, log } = await makeStage(false)
      logFailure(log.child({ target: 'shop/redis' }), 'backup failed', failure, { outcome: 'failed' })
      const { time, ...record } = JSON.parse(sink.text)
      expect(record).toEqual({
        level: 50,
        target: 'shop/redis',
        outcome: 'failed',
        code: 'STREAM_CUT',
        cause: why,
        hint: 'Try again.',
        msg: 'backup failed',
      })
    })

    test('on a terminal by one line', async () => {
      const { sink, log } = await makeStage(true)
      logFailure(log, 'backup failed', failure, { level: 'warn', target: 'shop/redis' })
      expect(sink.text).toMatch(/^\[[^\]]+\] WARN: .*\n$/)
      expect(sink.text).toContain(
        `WARN: backup failed: ${why.replace('\n', '')} (STREAM_CUT). Hint: Try again. {"target":"shop/redis"}`,
      )
    })

    test.for([true, false])('with the stacks at level debug only (terminal: %s)', async (isTTY) => {
      const { sink, log } = await makeStage(isTTY, 'debug')
      logFailure(log, 'backup failed', failure)
      expect(sink.text).toMatch(/the dump broke off(\n|\\n) +at .*caused by: Error: socket hang up(\n|\\n) +at /s)
    })
  })

  test.for([true, false])('never shows a secret, not even within an error (terminal: %s)', async (isTTY) => {
    const { sink, log } = await makeStage(isTTY)
    const cause = new Error('redis-cli -a open "sesame" failed')
    logFailure(log, 'failed', new Error('capture failed', { cause }), { container: { environment: { A: 'hidden' } } })
    expect(sink.text).not.toContain('sesame')
    expect(sink.text).not.toContain('hidden')
    expect(sink.text).toContain('[secret]')
  })
})
