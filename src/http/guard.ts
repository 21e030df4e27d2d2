import { isLoopback } from '../lib/loopback.ts'

/** What a request says of where it comes from. */
export interface Claims {
  host: string | undefined
  origin: string | undefined
}

/** Why a request is answered by nothing but this text and the status. */
export interface Refusal {
  status: 403 | 421
  reason: string
}

/**
 * Refuses what the page of another site could have sent. Without a token, the browser of somebody on this machine is all that keeps others
 * out, and a foreign site can point a name of its own at 127.0.0.1: only names of this machine are answered then. With a token a reverse
 * proxy may give the page any name, because no browser shows a session under another one.
 */
export function refuseForeign({ host = '', origin }: Claims, hasToken: boolean): Refusal | undefined {
  if (!hasToken && !isLoopback(hostOf(host)))
    return {
      status: 421,
      reason: 'this address is not served under that name: set listen-token to serve it under others',
    }
  if (origin !== undefined && !isSame(origin, host))
    return {
      status: 403,
      reason: 'the request comes from another site: a reverse proxy has to pass the Host header on',
    }
  return undefined
}

/** `[::1]:9180` → `::1` */
const hostOf = (header: string): string => header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

const isSame = (origin: string, host: string): boolean => {
  const url = URL.parse(origin)
  return url !== null && url.host !== '' && [host, withoutPort(host, url)].includes(url.host)
}

/** A browser leaves the usual port out of the origin, and some proxies do not leave it out of the host. */
const withoutPort = (host: string, { protocol }: URL): string =>
  host.replace(protocol === 'https:' ? /:443$/ : /:80$/, '')
