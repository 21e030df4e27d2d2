import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'

/** What a request shows of who sends it. */
export interface Credentials {
  /** The header `Authorization`. */
  authorization: string | undefined
  /** The value of the session cookie. */
  session: string | undefined
}

/** Decides who may read. */
export interface Access {
  /** False where everybody who reaches the address may. */
  readonly needsToken: boolean
  /** Whether a request shows the token, or a session that began with it. */
  admits(credentials: Credentials): boolean
  /** Begins a session for who knows the token. It is no part of the token, and ends with this process. */
  logIn(token: string): string | undefined
  logOut(session: string | undefined): void
}

const sessionMs = 12 * 3_600_000
/** The oldest ends when there are more. */
const mostSessions = 100

export function createAccess(token: string | undefined, clock: Clock): Access {
  /** By the digest of its id: until when it lasts. */
  const sessions = new Map<string, number>()
  const keyOf = (session: string) => digest(session).toString('hex')
  const isOpen = (session: string | undefined) =>
    session !== undefined && (sessions.get(keyOf(session)) ?? Number.NEGATIVE_INFINITY) > clock.monotonicMs()
  return {
    needsToken: token !== undefined,
    admits: ({ authorization, session }) =>
      token === undefined || isSame(bearerOf(authorization), token) || isOpen(session),
    logIn(given) {
      if (token === undefined || !isSame(given, token)) return undefined
      const session = randomBytes(32).toString('base64url')
      sessions.set(keyOf(session), clock.monotonicMs() + sessionMs)
      for (const key of [...sessions.keys()].slice(0, -mostSessions)) sessions.delete(key)
      return session
    },
    logOut(session) {
      if (session !== undefined) sessions.delete(keyOf(session))
    },
  }
}

const bearerOf = (authorization = ''): string => /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ''

/** Takes as long for a wrong text as for the right one, however long it is. */
const isSame = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
