import { createHash, timingSafeEqual } from 'node:crypto'

/** Decides who may read. */
export interface Access {
  /** False where everybody who reaches the address may. */
  readonly needsToken: boolean
  /** Whether the value of the header `Authorization` shows the token. */
  admits(authorization: string | undefined): boolean
}

export function createAccess(token: string | undefined): Access {
  return {
    needsToken: token !== undefined,
    admits: (authorization) => token === undefined || isSame(bearerOf(authorization), token),
  }
}

const bearerOf = (authorization = ''): string => /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ''

/** Takes as long for a wrong text as for the right one, however long it is. */
const isSame = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
