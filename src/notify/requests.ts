import { createHmac } from 'node:crypto'
import { decode, type Level, type NotifyKind, segments } from './address.ts'
import { type Beat, cut, isGood, levelOf, type Message, textOf, titleOf } from './message.ts'

/** A request that hands one notification over. */
export interface HttpRequest {
  method: 'GET' | 'POST'
  url: URL
  headers: Record<string, string>
  body?: string
  /** The codes by which it was taken. Default: 200 to 299. */
  accepts?: number[]
  /** Answers whether a body says that it was taken after all. Default: the code decides. */
  isTaken?: (body: string) => boolean
}

type HttpKind = Exclude<NotifyKind, 'smtp'>
type MakeRequests = (url: URL, notification: Message | Beat) => HttpRequest[]

/** What each service is sent, by its kind. Nothing, where the service has no use for it. */
export const requests: Record<HttpKind, MakeRequests> = {
  webhook: onMessage(webhook),
  ntfy: onMessage((url, message) => {
    const { server, last: topic } = splitPath(url)
    const { title, text } = plainText(message, 3500)
    const priority = isGood(message) ? 2 : { info: 2, warning: 3, error: 4 }[levelOf(message)]
    return postJson(server, { topic, title, message: text, priority }, authorization(url))
  }),
  gotify: onMessage((url, message) => {
    const { server, last: token } = splitPath(url)
    const priority = isGood(message) ? 2 : { info: 2, warning: 5, error: 8 }[levelOf(message)]
    const { title, text } = plainText(message, 10_000)
    return postJson(below(server, 'message'), { title, message: text, priority }, { 'x-gotify-key': token })
  }),
  slack: onMessage((url, message) => {
    const { title, text } = plainText(message, 3000)
    return postJson(bare(url), { text: `*${escapeSlack(title)}*\n${escapeSlack(text)}` })
  }),
  discord: onMessage((url, message) => {
    const { title, text } = plainText(message, 1700)
    return postJson(bare(url), { content: `**${title}**\n${text}`, allowed_mentions: { parse: [] } })
  }),
  telegram: onMessage(telegram),
  healthchecks: onBeat((url, { state, summary }) => {
    const paths = { success: undefined, start: 'start', fail: 'fail', test: 'log' }
    const target = paths[state] === undefined ? bare(url) : below(bare(url), paths[state])
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    // It answers 200 for a check that it does not know, too.
    return {
      method: 'POST',
      url: target,
      headers,
      body: cut(summary, 50_000),
      isTaken: (body) => !/not found/.test(body),
    }
  }),
  kuma: onBeat((url, { state, summary, seconds }) => {
    if (state === 'start') return []
    const target = bare(url)
    const ping = seconds === undefined ? '' : String(Math.round(seconds * 1000))
    const query = { status: state === 'fail' ? 'down' : 'up', msg: cut(summary, 200), ping }
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
    return { method: 'GET', url: target, headers: {} }
  }),
  apprise: onMessage((url, message) => {
    const { server, last: key } = splitPath(url)
    const type = isGood(message) ? 'success' : levelType[levelOf(message)]
    const { title, text } = plainText(message, 10_000)
    const tag = url.searchParams.get('tags') ?? undefined
    // It answers 204 where it has no services under this key.
    const target = below(below(server, 'notify'), key)
    return { ...postJson(target, { title, body: text, type, tag }, authorization(url)), accepts: [200] }
  }),
}

const levelType: Record<Level, string> = { info: 'info', warning: 'warning', error: 'failure' }

/** A message goes to each chat by a request of its own. */
function telegram(url: URL, message: Message): HttpRequest[] {
  const { title, text } = plainText(message, 3500)
  const token = `${decode(url.username)}:${decode(url.password)}`
  const server = new URL(url.hostname === 'telegram' ? 'https://api.telegram.org' : url.origin)
  const chats = (url.searchParams.get('chats') ?? '').split(',').filter((chat) => chat !== '')
  return chats.map((chat) => {
    const body = { chat_id: chat, text: `${title}\n\n${text}`, link_preview_options: { is_disabled: true } }
    return postJson(below(below(server, `bot${token}`), 'sendMessage'), body)
  })
}

/** The whole message as JSON, signed as standardwebhooks.com says where the address has a secret. */
function webhook(url: URL, message: Message): HttpRequest {
  const level = levelOf(message)
  const body = JSON.stringify({ ...message, level, title: titleOf(message), text: textOf(message) })
  const headers = { 'content-type': 'application/json', ...authorization(url), ...signature(url, message, body) }
  return { method: 'POST', url: bare(url), headers, body }
}

function signature({ hash }: URL, { id, time }: Message, body: string): Record<string, string> {
  const secret = decode(/^#secret=(.+)$/.exec(hash)?.[1] ?? '')
  if (secret === '') return {}
  const timestamp = String(Math.floor(Date.parse(time) / 1000))
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` }
}

function onMessage(request: (url: URL, message: Message) => HttpRequest | HttpRequest[]): MakeRequests {
  return (url, notification) => (notification.kind === 'message' ? [request(url, notification)].flat() : [])
}

function onBeat(request: (url: URL, beat: Beat) => HttpRequest | []): MakeRequests {
  return (url, notification) => (notification.kind === 'beat' ? [request(url, notification)].flat() : [])
}

const plainText = (message: Message, length: number) => ({
  title: cut(titleOf(message), 200),
  text: cut(textOf(message), length),
})

function postJson(url: URL, body: object, headers: Record<string, string> = {}): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

/** A user and a password are basic authentication, one of them alone is a token. */
function authorization({ username, password }: URL): Record<string, string> {
  const [user, secret] = [decode(username), decode(password)]
  if (user === '' && secret === '') return {}
  if (user === '' || secret === '') return { authorization: `Bearer ${user}${secret}` }
  return { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` }
}

/** The address without its login and its fragment, which do not belong into a request. */
function bare(url: URL): URL {
  return Object.assign(new URL(url), { username: '', password: '', hash: '' })
}

/** The last segment of the path, and the server that the rest of it names. */
function splitPath(url: URL): { server: URL; last: string } {
  const parts = segments(url)
  const last = decode(parts.pop() ?? '')
  return { server: Object.assign(bare(url), { pathname: parts.join('/'), search: '' }), last }
}

function below(url: URL, name: string): URL {
  const pathname = `${url.pathname.replace(/\/$/, '')}/${name}`
  return Object.assign(new URL(url), { pathname })
}

/** Angle brackets would mention people, or all of them. */
const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
