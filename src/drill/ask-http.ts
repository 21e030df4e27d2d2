import { beginRequest, firstAnswer } from '../methods/shared/http.ts'
import type { HttpPlace } from './address.ts'

type Asked = Exclude<HttpPlace, { notAsked: string }>

/** A chain of redirects that is longer leads in a circle. */
const mostRedirects = 5
const attemptMs = 10_000

/**
 * Asks the scratch container, at its address and nowhere else, and answers the status, or what went wrong as a text. A redirect to another
 * host is not followed.
 */
export async function askHttp(host: string, place: Asked, signal: AbortSignal): Promise<string> {
  let { path } = place
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const answer = await askOnce(host, { ...place, path }, signal)
    if (typeof answer === 'string') return answer
    const { status, location } = answer
    if (status < 300 || status > 399 || location === undefined) return String(status)
    const next = followed(location, { ...place, path })
    if (next === undefined) return `${status} to another host, which a drill does not ask`
    path = next
  }
  return `more than ${mostRedirects} redirects`
}

async function askOnce(host: string, { port, tls, path, hostHeader }: Asked, signal: AbortSignal) {
  const attempt = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)])
  try {
    const head = { method: 'GET', path, headers: { host: hostHeader } }
    const request = beginRequest({ host, port, tls }, head, attempt)
    request.end()
    const response = await firstAnswer(request)
    response.destroy()
    const { location } = response.headers
    return { status: response.statusCode ?? 0, ...(location !== undefined && { location }) }
  } catch (error) {
    signal.throwIfAborted()
    return (error as Error).message
  }
}

/** The path of a redirect, if it leads to the same service. */
function followed(location: string, { tls, hostHeader, path }: Asked): string | undefined {
  const base = new URL(`${tls ? 'https' : 'http'}://${hostHeader}${path}`)
  if (!URL.canParse(location, base)) return undefined
  const url = new URL(location, base)
  return url.host === base.host && url.protocol === base.protocol ? url.pathname + url.search : undefined
}
