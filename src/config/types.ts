import { absolutePath } from '../labels/names.ts'
import { refuse, type TextType } from '../labels/text.ts'
import { type NotifyAddress, parseAddress } from '../notify/address.ts'
import { isResticAddress, resticForm } from '../repository/restic/address.ts'

/** Where snapshots are kept. The URL of a restic repository may hold a secret: only the repository's own `url` may be shown. */
export type RepositoryAddress = { kind: 'archive'; dir: string } | { kind: 'restic'; url: string }

const directory = absolutePath('an absolute path')

export const repositoryAddress: TextType<RepositoryAddress> = {
  form: 'archive:DIR with an absolute path, or restic:REPO',
  parse: (text) => {
    const [, kind, rest = ''] = /^(archive|restic):(.+)$/s.exec(text) ?? []
    if (kind === undefined)
      return refuse(`must be ${repositoryAddress.form}`, text.startsWith('/') ? `archive:${text}` : undefined)
    if (kind === 'restic')
      return isResticAddress(rest) ? { value: { kind, url: rest } } : refuse(`must be restic: and ${resticForm}`)
    const dir = directory.parse(rest)
    if ('value' in dir) return { value: { kind: 'archive', dir: dir.value } }
    return refuse(`the directory ${dir.reason}`, dir.suggestion && `archive:${dir.suggestion}`)
  },
  format: (value) => (value.kind === 'archive' ? `archive:${value.dir}` : `restic:${value.url}`),
  confidential: (text) => text.includes('@'),
}

/** Canonical: `unix:///PATH` or `tcp://HOST:PORT`. */
export const engineAddress: TextType<string> = {
  form: 'unix:///PATH or tcp://HOST:PORT',
  parse: (text) => {
    const url = URL.parse(text.startsWith('/') ? `unix://${text}` : text)
    if (url?.protocol === 'unix:' && url.host === '' && url.pathname.length > 1)
      return { value: `unix://${url.pathname}` }
    if (url?.protocol === 'ssh:') return refuse('ssh is not spoken here; forward the socket (ssh -L) and name that one')
    const plain = url?.protocol === 'tcp:' || url?.protocol === 'http:'
    if (plain && url.port !== '' && url.username === '') return { value: `tcp://${url.host}` }
    return refuse(`must be ${engineAddress.form}`)
  },
  format: (value) => value,
  confidential: (text) => text.includes('@'),
}

export const longestHostName = 64

/** It stands in names of files and in tags. */
export const hostName: TextType<string> = {
  form: `a name of up to ${longestHostName} letters, digits, dots, - and _`,
  parse: (text) => {
    const value = plainHostName(text)
    return value === text ? { value } : refuse(`must be ${hostName.form}`, value || undefined)
  },
  format: (value) => value,
}

/** The name that comes nearest to a text. It may be empty. */
export const plainHostName = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, longestHostName)

export interface ListenAddress {
  host: string
  port: number
}

/** `off`: nothing is served. Port 0 is any free port, which the log tells. */
export const listenAddress: TextType<ListenAddress | 'off'> = {
  form: 'HOST:PORT, such as 127.0.0.1:9180 or [::]:9180, or off',
  parse: (text) => {
    if (text === 'off') return { value: text }
    const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? []
    const host = bracketed ?? plain
    const port = Number(digits)
    if (host !== undefined && port <= 65_535) return { value: { host, port } }
    const bare = /^:?(\d{1,5})$/.exec(text)?.[1]
    return refuse(`must be ${listenAddress.form}`, bare && `127.0.0.1:${bare}`)
  },
  format: (value) => (value === 'off' ? value : formatListen(value)),
}

export const formatListen = ({ host, port }: ListenAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

/** Nobody tries so many of them: 16 characters. */
export const accessToken: TextType<string> = {
  form: 'a token of 16 characters or more, without blanks',
  parse: (text) => (/^\S{16,}$/.test(text) ? { value: text } : refuse(`must be ${accessToken.form}`)),
  format: (value) => value,
  confidential: () => true,
}

/** An address of a chat or push service is a secret itself. */
export const notifyAddress: TextType<NotifyAddress> = {
  form: 'a URL such as ntfy://ntfy.sh/TOPIC, with a level before it where it is not warning: error=URL',
  parse: parseAddress,
  format: (value) => value.text(),
  confidential: () => true,
}

/** Splits at commas and blanks, and leaves out lines that begin with #. A comma that no other address follows belongs to the address. */
export const splitAddresses = (text: string): string[] =>
  text
    .replaceAll(/^\s*#.*$/gm, '')
    .trim()
    .split(/,(?=\s*(?:\w+=)?\w[\w+]*:\/\/)\s*|\s+/)

export const password: TextType<string> = {
  form: 'a password',
  parse: (text) => ({ value: text }),
  format: (value) => value,
  confidential: () => true,
}
