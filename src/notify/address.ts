import { createHash } from 'node:crypto'
import { type Parsed, refuse } from '../labels/text.ts'

/** From the least to the most important. An address of a level gets what is at least as important. */
export const levels = ['info', 'warning', 'error'] as const
export type Level = (typeof levels)[number]

/** One service that takes notifications: how its addresses are written. `docs/notify.md` is made from it. */
interface KindRow {
  /** What the docs and the commands call the service. */
  name: string
  /** The scheme of its addresses. `SCHEME+http` is the same without TLS. */
  scheme: string
  /** How an address is written, for the docs and for problems. */
  form: string
  /** The service shows addresses of https on these hosts: they are taken as they are. */
  hosts?: RegExp
  /** True where it is told how every run went, whatever its level is. */
  isHeartbeat?: true
  /** Answers whether the parts that the form names are there. */
  isWhole: (url: URL) => boolean
}

/** The parts of the path, without empty ones. */
export const segments = ({ pathname }: URL): string[] => pathname.split('/').filter((part) => part !== '')
const hasPath = (count: number) => (url: URL) => segments(url).length >= count

export const notifyKinds = {
  webhook: { name: 'Webhook', scheme: 'https', form: 'https://HOST/PATH#secret=SECRET', isWhole: () => true },
  ntfy: { name: 'ntfy', scheme: 'ntfy', form: 'ntfy://[USER:PASSWORD@ or TOKEN@]HOST/TOPIC', isWhole: hasPath(1) },
  gotify: { name: 'Gotify', scheme: 'gotify', form: 'gotify://HOST/TOKEN', isWhole: hasPath(1) },
  slack: {
    name: 'Slack, Mattermost',
    scheme: 'slack',
    form: 'slack://hooks.slack.com/services/T…/B…/…',
    hosts: /^hooks\.slack(-gov)?\.com$/,
    isWhole: hasPath(2),
  },
  discord: {
    name: 'Discord',
    scheme: 'discord',
    form: 'discord://discord.com/api/webhooks/ID/TOKEN',
    hosts: /^(\w+\.)?discord(app)?\.com$/,
    isWhole: hasPath(2),
  },
  telegram: {
    name: 'Telegram',
    scheme: 'telegram',
    form: 'telegram://TOKEN@telegram?chats=CHAT,CHAT',
    isWhole: ({ username, password, searchParams }) =>
      username !== '' && password !== '' && (searchParams.get('chats') ?? '') !== '',
  },
  healthchecks: {
    name: 'Healthchecks',
    scheme: 'healthchecks',
    form: 'healthchecks://hc-ping.com/UUID',
    hosts: /^hc-ping\.com$/,
    isHeartbeat: true,
    isWhole: hasPath(1),
  },
  kuma: {
    name: 'Uptime Kuma',
    scheme: 'kuma',
    form: 'kuma://HOST/api/push/TOKEN',
    isHeartbeat: true,
    isWhole: hasPath(1),
  },
  smtp: {
    name: 'Mail (SMTP)',
    scheme: 'smtp',
    form: 'smtp[s]://[USER:PASSWORD@]HOST[:PORT]/?from=ADDRESS&to=ADDRESS,ADDRESS',
    isWhole: ({ searchParams }) => /@/.test(searchParams.get('to') ?? ''),
  },
  apprise: { name: 'Apprise API', scheme: 'apprise', form: 'apprise://HOST/KEY', isWhole: hasPath(1) },
} as const satisfies Record<string, KindRow>

export type NotifyKind = keyof typeof notifyKinds

/** An address that is told. Its URL is a function, because it holds secrets: nothing that prints a configuration prints it. */
export interface NotifyAddress {
  kind: NotifyKind
  level: Level
  /** Kind and host, which may be shown: `ntfy ntfy.sh`. */
  name: string
  /** As `https:`, `http:`, `smtp:` or `smtps:`. */
  url(): URL
  /** As it is configured. */
  text(): string
}

export const isHeartbeat = ({ kind }: NotifyAddress): boolean => (notifyKinds[kind] as KindRow).isHeartbeat === true

/** Tells addresses apart in the catalog. It is too short for anybody to guess the address from it. */
export const keyOf = ({ name, text }: NotifyAddress): string =>
  `${name} ${createHash('sha256').update(text()).digest('hex').slice(0, 8)}`

const kinds = Object.entries(notifyKinds) as [NotifyKind, KindRow][]

/** Reads `URL` or `LEVEL=URL`. No reason repeats a part of the URL. */
export function parseAddress(text: string): Parsed<NotifyAddress> {
  const [, word, address = ''] = /^(?:(\w+)=)?(\w[\w+]*:\/\/\S+)$/.exec(text) ?? []
  if (address === '') return refuse('must be a URL with the scheme of a service, such as ntfy:// or smtp://')
  const level = levels.find((each) => each === (word ?? 'warning'))
  if (level === undefined) return refuse(`must begin with one of ${levels.join('=, ')}=, or with the URL`)
  const [, scheme = '', insecure] = /^(\w+?)(?:\+(https?))?:/.exec(address) ?? []
  const kind = findKind(scheme, address)
  if (kind === undefined) return refuse(`must have one of the schemes ${kinds.map(([, row]) => row.scheme).join(', ')}`)
  const { form, isWhole } = notifyKinds[kind] as KindRow
  const url = URL.parse(address.replace(/^[^:]+/, transportOf(kind, scheme, insecure)))
  if (url === null || url.hostname === '' || !isWhole(url)) return refuse(`must be written as ${form}`)
  return { value: { kind, level, name: `${kind} ${url.host}`, url: () => new URL(url), text: () => text } }
}

function findKind(scheme: string, address: string): NotifyKind | undefined {
  if (scheme === 'smtps') return 'smtp'
  if (scheme !== 'http' && scheme !== 'https') return kinds.find(([, row]) => row.scheme === scheme)?.[0]
  // A plain webhook would count as a success at a heartbeat service, whatever it tells.
  const host = URL.parse(address)?.hostname ?? ''
  return kinds.find(([, { hosts }]) => hosts?.test(host))?.[0] ?? 'webhook'
}

function transportOf(kind: NotifyKind, scheme: string, insecure: string | undefined): string {
  return kind === 'smtp' || scheme === 'http' ? scheme : (insecure ?? 'https')
}

/** What of an address nobody may see, for the scrubber: the address, its login, and what looks like a token in it. */
export function secretsOf(address: NotifyAddress): string[] {
  const url = address.url()
  const { username, password, hash } = url
  const parts = [...segments(url), ...url.searchParams.values(), hash.replace(/^#\w+=/, '')]
  const tokens = parts.filter((part) => part.length >= 15 || (/\d/.test(part) && /[a-z]/i.test(part)))
  return [address.text(), url.href, ...[username, password, ...tokens].map(decode)].filter((text) => text.length > 5)
}

/** A part that holds a stray percent sign is taken as it is. */
export function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
