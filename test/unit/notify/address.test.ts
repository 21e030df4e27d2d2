import { describe, expect, test } from 'vitest'
import { keyOf, type NotifyAddress, parseAddress, secretsOf } from '../../../src/notify/address.ts'

function parse(text: string): NotifyAddress {
  const parsed = parseAddress(text)
  if (!('value' in parsed)) throw new Error(parsed.reason)
  return parsed.value
}

describe('an address', () => {
  test.each([
    ['https://hooks.example.com/x?y=1', 'webhook hooks.example.com', 'https://hooks.example.com/x?y=1'],
    ['http://127.0.0.1:8080/x', 'webhook 127.0.0.1:8080', 'http://127.0.0.1:8080/x'],
    ['ntfy://ntfy.sh/topic', 'ntfy ntfy.sh', 'https://ntfy.sh/topic'],
    ['ntfy+http://10.0.0.1:80/topic', 'ntfy 10.0.0.1', 'http://10.0.0.1/topic'],
    ['gotify://push.example.com/base/AbC', 'gotify push.example.com', 'https://push.example.com/base/AbC'],
    ['https://hooks.slack.com/services/T1/B1/x', 'slack hooks.slack.com', 'https://hooks.slack.com/services/T1/B1/x'],
    ['https://discord.com/api/webhooks/1/x', 'discord discord.com', 'https://discord.com/api/webhooks/1/x'],
    ['telegram://123:AbC@telegram?chats=1,@two', 'telegram telegram', 'https://123:AbC@telegram/?chats=1,@two'],
    ['https://hc-ping.com/uuid', 'healthchecks hc-ping.com', 'https://hc-ping.com/uuid'],
    ['kuma://up.example.com/api/push/x', 'kuma up.example.com', 'https://up.example.com/api/push/x'],
    ['smtp://mail.example.com/?to=a@example.com', 'smtp mail.example.com', 'smtp://mail.example.com/?to=a@example.com'],
    ['smtps://u:p@mail:466/?to=a@b', 'smtp mail:466', 'smtps://u:p@mail:466/?to=a@b'],
    ['apprise+http://127.0.0.1:8000/key', 'apprise 127.0.0.1:8000', 'http://127.0.0.1:8000/key'],
  ])('%s is %s', (text, name, url) => {
    const address = parse(text)
    expect({ name: address.name, url: address.url().href, level: address.level }).toEqual({
      name,
      url,
      level: 'warning',
    })
  })

  test('has the level that stands before it', () => {
    expect(parse('error=ntfy://ntfy.sh/topic').level).toBe('error')
    expect(parse('info=https://x/?a=b').level).toBe('info')
  })

  test.each([
    ['hunter2', 'must be a URL with the scheme of a service'],
    ['loud=ntfy://ntfy.sh/hunter2', 'must begin with one of info=, warning=, error='],
    ['ftp://hunter2', 'must have one of the schemes https, ntfy,'],
    ['ntfy://ntfy.sh', 'must be written as ntfy://'],
    ['telegram://hunter2@telegram', 'must be written as telegram://TOKEN@telegram?chats='],
    ['smtp://user:hunter2@mail', 'must be written as smtp[s]://'],
  ])('%s is refused, and the reason repeats none of it', (text, reason) => {
    const parsed = parseAddress(text)
    expect(parsed).toMatchObject({ reason: expect.stringContaining(reason) })
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
  })

  test('is printed without its URL', () => {
    const address = parse('ntfy://user:hunter2@ntfy.sh/topic')
    expect(JSON.stringify(address) + String(address) + keyOf(address)).not.toContain('hunter2')
  })

  test.each([
    ['ntfy://user:hunter2@ntfy.sh/alerts', ['ntfy://user:hunter2@ntfy.sh/alerts', 'hunter2']],
    ['telegram://123456:AAxyz9@telegram?chats=-100200', ['123456', 'AAxyz9']],
    ['https://hooks.slack.com/services/T0123456/B0123456/abcDEF123', ['T0123456', 'B0123456', 'abcDEF123']],
    ['https://x.example.com/hook#secret=hunter%202', ['hunter 2']],
  ])('the secrets of %s are known to the scrubber', (text, secrets) => {
    expect(secretsOf(parse(text))).toEqual(expect.arrayContaining(secrets))
  })

  test('words of a path are no secrets, so that the log stays readable', () => {
    expect(secretsOf(parse('https://hooks.slack.com/services/T0/B0/abcDEF123'))).not.toContain('services')
    expect(secretsOf(parse('ntfy://ntfy.sh/backups'))).not.toContain('backups')
  })
})
