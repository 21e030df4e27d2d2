import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { type NotifyAddress, parseAddress } from '../../src/notify/address.ts'
import { createCourier } from '../../src/notify/courier.ts'
import type { Beat, Message } from '../../src/notify/message.ts'
import { send } from '../../src/notify/send.ts'
import { makeFolder, run } from '../support/cli.ts'
import { notifyTestShape } from '../support/json-shapes.ts'
import { httpSink, mailSink } from '../support/sinks.ts'
import { fakeClock } from '../unit/controller/fake-clock.ts'

const message: Message = {
  kind: 'message',
  id: '7f0c7a54-5a2f-4c59-8d9b-6f7f7b1f2a10',
  time: '2026-09-02T02:01:00.000Z',
  stack: 'shop',
  items: [
    { event: 'failed', state: 'began', level: 'error', project: 'shop', target: 'db', text: 'it failed: <no answer>' },
  ],
}
const beat = (state: Beat['state']): Beat => ({
  kind: 'beat',
  id: message.id,
  time: message.time,
  state,
  summary: 'all is well',
  seconds: 1.5,
})
const title = 'shop: db: it failed'
const text = 'ERROR shop/db: it failed: <no answer>.'
const { signal } = new AbortController()

function address(text: string): NotifyAddress {
  const parsed = parseAddress(text)
  if (!('value' in parsed)) throw new Error(parsed.reason)
  return parsed.value
}

describe('a message', () => {
  test.each([
    ['ntfy', 'ntfy+http://u:p@HOST/topic', '/', { topic: 'topic', title, message: text, priority: 4 }],
    ['Gotify', 'gotify+http://HOST/base/token', '/base/message', { title, message: text, priority: 8 }],
    [
      'Slack',
      'slack+http://HOST/services/a/b',
      '/services/a/b',
      { text: expect.stringContaining('&lt;no answer&gt;') },
    ],
    ['Discord', 'discord+http://HOST/webhooks/1/x', '/webhooks/1/x', { allowed_mentions: { parse: [] } }],
    ['Apprise', 'apprise+http://HOST/key?tags=ops', '/notify/key', { title, body: text, type: 'failure', tag: 'ops' }],
    ['a webhook', 'http://HOST/hook?x=1', '/hook?x=1', { stack: 'shop', level: 'error', title, text }],
  ])('arrives at %s as it expects it', async (_, url, path, body) => {
    const { host, received } = await httpSink()
    await send(address(url.replace('HOST', host)), message, signal)
    expect(received).toMatchObject([{ method: 'POST', path }])
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject(body)
  })

  test('carries the login or the token of its address, and never as a part of the URL', async () => {
    const { host, received } = await httpSink()
    await send(address(`ntfy+http://user:hunter2@${host}/topic`), message, signal)
    await send(address(`ntfy+http://tk_hunter2@${host}/topic`), message, signal)
    await send(address(`gotify+http://${host}/hunter2`), message, signal)
    const basic = `Basic ${Buffer.from('user:hunter2').toString('base64')}`
    expect(received.map(({ headers }) => headers.authorization ?? headers['x-gotify-key'])).toEqual([
      basic,
      'Bearer tk_hunter2',
      'hunter2',
    ])
    expect(received.filter(({ path }) => path.includes('hunter2'))).toEqual([])
  })

  test('goes to every chat of Telegram', async () => {
    const { host, received } = await httpSink()
    await send(address(`telegram+http://123:abc@${host}?chats=-1001,@two`), message, signal)
    expect(received.map(({ path }) => path)).toEqual(['/bot123:abc/sendMessage', '/bot123:abc/sendMessage'])
    expect(received.map(({ body }) => JSON.parse(body).chat_id)).toEqual(['-1001', '@two'])
  })

  test('to a webhook with a secret is signed as Standard Webhooks says', async () => {
    const { host, received } = await httpSink()
    await send(address(`http://${host}/hook#secret=hunter2`), message, signal)
    const { headers, body = '' } = received[0] ?? {}
    const signed = `${message.id}.${Date.parse(message.time) / 1000}.${body}`
    const expected = createHmac('sha256', 'hunter2').update(signed).digest('base64')
    expect(headers).toMatchObject({ 'webhook-id': message.id, 'webhook-signature': `v1,${expected}` })
  })

  test('arrives by mail', async () => {
    const { host, lines } = await mailSink()
    await send(address(`smtp://user:pw@${host}/?from=backup@x.org&to=a@x.org,b@x.org`), message, signal)
    const recipients = ['RCPT TO:<a@x.org>', 'RCPT TO:<b@x.org>']
    expect(lines).toEqual(expect.arrayContaining([...recipients, `Subject: ${title}`, 'From: backup@x.org', text]))
  })
})

describe('a heartbeat', () => {
  test('tells Healthchecks of start, success and failure, with the summary as body', async () => {
    const { host, received } = await httpSink()
    const check = address(`healthchecks+http://${host}/ping/uuid`)
    for (const state of ['start', 'success', 'fail', 'test'] as const) await send(check, beat(state), signal)
    const paths = received.map(({ path }) => path)
    expect(paths).toEqual(['/ping/uuid/start', '/ping/uuid', '/ping/uuid/fail', '/ping/uuid/log'])
    expect(received[1]?.body).toBe('all is well')
  })

  test('that Healthchecks does not know has not arrived, although it answers 200', async () => {
    const { host } = await httpSink((response) => response.end('OK (not found)'))
    const sent = send(address(`healthchecks+http://${host}/uuid`), beat('success'), signal)
    await expect(sent).rejects.toThrow(`healthchecks ${host}: knows no such address`)
  })

  test('tells Uptime Kuma how it is, and for how long it took', async () => {
    const { host, received } = await httpSink()
    const monitor = address(`kuma+http://${host}/api/push/token?status=up&msg=OK&ping=`)
    for (const state of ['start', 'success', 'fail'] as const) await send(monitor, beat(state), signal)
    const query = (status: string) => `/api/push/token?status=${status}&msg=all+is+well&ping=1500`
    expect(received.map(({ path }) => path)).toEqual([query('up'), query('down')])
  })

  test('is nothing for a service of messages, and a message nothing for one of heartbeats', async () => {
    const { host, received } = await httpSink()
    await send(address(`ntfy+http://${host}/topic`), beat('fail'), signal)
    await send(address(`kuma+http://${host}/api/push/x`), message, signal)
    expect(received).toEqual([])
  })
})

describe('a service that does not take it', () => {
  test.each([
    ['refuses', (host: string) => `ntfy+http://u:hunter2@${host}/topic`, 'answered 403'],
    ['sends elsewhere', (host: string) => `gotify+http://${host}/hunter2`, 'answered 302'],
  ])('and %s is named by kind and host alone', async (_, url, reason) => {
    const code = Number(reason.slice(-3))
    const { host } = await httpSink((response) =>
      response.writeHead(code, { location: 'http://x/hunter2' }).end('hunter2'),
    )
    const sent = send(address(url(host)), message, signal)
    const error = await sent.then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error?.message).toMatch(new RegExp(`^(ntfy|gotify) ${host}: ${reason}$`))
  })

  test('and hangs is given up', async () => {
    const { host } = await httpSink(() => {})
    const sent = send(address(`ntfy+http://${host}/topic`), message, signal, 0.1)
    await expect(sent).rejects.toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining(`ntfy ${host}`) })
  })

  test('and is not there is named with the reason of the system', async () => {
    const gone = await httpSink()
    gone.close()
    const sent = send(address(`ntfy+http://${gone.host}/topic`), message, signal)
    await expect(sent).rejects.toThrow(`ntfy ${gone.host} cannot be reached (ECONNREFUSED)`)
  })

  test('and is a mail server that refuses a recipient is named without what it said', async () => {
    const { host } = await mailSink('550 no such user hunter2')
    const sent = send(address(`smtp://${host}/?to=a@x.org`), message, signal)
    await expect(sent).rejects.toThrow(`smtp ${host}: the mail server did not take it (EENVELOPE, answer 550)`)
  })

  test('of mail gets a login over TLS only', async () => {
    const { host, lines } = await mailSink()
    // An address that is not taken for that of the own machine, although it leads there.
    const elsewhere = host.replace('127.0.0.1', '0.0.0.0')
    const sent = send(address(`smtp://user:hunter2@${elsewhere}/?to=a@x.org`), message, signal)
    await expect(sent).rejects.toMatchObject({ code: 'NOTIFY_FAILED' })
    expect(lines.filter((line) => line.startsWith('AUTH'))).toEqual([])
  })
})

describe('the courier', () => {
  let state: string
  beforeEach(() => {
    state = makeFolder()
  })

  /** A courier for one address, on a clock that the test moves. */
  function hire(url: string) {
    const catalog = openCatalog(state)
    const clock = fakeClock('2026-09-02T02:01:00Z')
    const ended = new AbortController()
    const courier = createCourier({ catalog, clock, log: pino({ level: 'silent' }) }, [address(url)], ended.signal)
    const end = async () => {
      ended.abort()
      await clock.advance(0)
      await courier.drain()
      catalog[Symbol.dispose]()
    }
    return { catalog, clock, courier, end }
  }
  const decision = { state: { known: [], open: {}, shrunk: {} }, seen: [] }

  test('hands over again what was answered by 500, and forgets what was taken', async () => {
    const { host, received } = await httpSink((response) => response.writeHead(received.length === 1 ? 500 : 200).end())
    const { catalog, clock, courier, end } = hire(`ntfy+http://${host}/topic`)
    onTestFinished(end)
    courier.accept({ ...decision, message })
    await expect.poll(() => received.length).toBe(1)
    const later = async () => {
      await clock.advance(10)
      return received.length
    }
    await expect.poll(later).toBe(2)
    await expect.poll(() => catalog.notices()).toEqual([])
  })

  test('of the next controller hands over what the last one could not', async () => {
    let isUp = false
    const { host, received } = await httpSink((response) => response.writeHead(isUp ? 200 : 503).end())
    const url = `ntfy+http://${host}/topic`
    const first = hire(url)
    first.courier.accept({ ...decision, message })
    await expect.poll(() => received.length).toBe(1)
    await first.end()
    isUp = true
    const second = hire(url)
    onTestFinished(second.end)
    second.courier.accept(decision)
    await expect.poll(() => second.catalog.notices()).toEqual([])
    expect(received.length).toBe(2)
  })

  test('gives up what nobody has taken for a day', async () => {
    const { host, received } = await httpSink((response) => response.writeHead(500).end())
    const { catalog, clock, courier, end } = hire(`ntfy+http://${host}/topic`)
    onTestFinished(end)
    courier.accept({ ...decision, message: { ...message, time: '2026-09-01T02:00:00.000Z' } })
    await expect.poll(() => catalog.notices()).toEqual([])
    await clock.advance(0)
    expect(received.length).toBe(1)
  })

  test('keeps the newest fifty for an address, and of heartbeats the newest', async () => {
    const away = hire('ntfy+http://127.0.0.1:1/topic')
    onTestFinished(away.end)
    for (let count = 0; count < 60; count++) away.courier.accept({ ...decision, message })
    expect(away.catalog.notices()).toHaveLength(50)
    const check = hire('kuma+http://127.0.0.1:1/api/push/x')
    onTestFinished(check.end)
    for (let count = 0; count < 3; count++) check.courier.accept({ ...decision, beat: beat('fail') })
    expect(check.catalog.notices().filter(({ address }) => address.startsWith('kuma'))).toHaveLength(1)
  })

  test('records nothing of an address but kind and host', async () => {
    const { catalog, courier, end } = hire('ntfy+http://user:hunter2@127.0.0.1:1/secret-topic')
    onTestFinished(end)
    courier.accept({ ...decision, message })
    expect(JSON.stringify(catalog.notices())).not.toMatch(/hunter2|secret-topic/)
  })
})

describe('notify test', () => {
  test('sends to each address, says what was taken, and ends with 1 where one was not; no secret is shown', async () => {
    const good = await httpSink()
    const bad = await httpSink((response) => response.writeHead(401).end())
    const file = join(makeFolder(), 'addresses')
    writeFileSync(
      file,
      `# who is told\nerror=ntfy+http://tk_hunter2@${good.host}/topic\nslack+http://${bad.host}/a/hunter2xyz\n`,
    )
    const environment = { XNAI_BACKUP_NOTIFY_FILE: file }
    const { exitCode, json, stdout, stderr } = await run(['notify', 'test', '--json'], { environment })
    expect(exitCode).toBe(1)
    expect(notifyTestShape.parse(json()).addresses).toMatchObject([
      { kind: 'ntfy', host: good.host, level: 'error', taken: true },
      { kind: 'slack', host: bad.host, taken: false, error: { code: 'NOTIFY_FAILED' } },
    ])
    expect(good.received).toHaveLength(1)
    const shown = await run(['notify', 'test'], { environment })
    expect(shown.stdout).toContain(`taken: ntfy ${good.host} (error) after`)
    expect(shown.stdout).toContain(`error: slack ${bad.host} (warning): slack ${bad.host}: answered 401`)
    expect(stdout + stderr + shown.stdout + shown.stderr).not.toContain('hunter2')
  })

  test('without an address is refused, with what is to be set', async () => {
    const { exitCode, stderr } = await run(['notify', 'test'])
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('notify is not set') })
  })
})
