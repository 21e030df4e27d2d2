import { describe, expect, test } from 'vitest'
import { makeLogger } from '../../../src/cli/log.ts'
import { makeScreen } from '../../../src/cli/render/screen.ts'
import { makeScrubber } from '../../../src/cli/secrets.ts'

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

  test.for([true, false])('never shows a secret, not even within an error (terminal: %s)', async (isTTY) => {
    const { sink, log } = await makeStage(isTTY)
    const cause = new Error('redis-cli -a open "sesame" failed')
    log.error({ err: new Error('capture failed', { cause }), container: { environment: { A: 'hidden' } } }, 'failed')
    expect(sink.text).not.toContain('sesame')
    expect(sink.text).not.toContain('hidden')
    expect(sink.text).toContain('[secret]')
  })
})
