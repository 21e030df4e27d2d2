import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { asBackupError, type ErrorCode, reportError } from '../errors.ts'
import type { Access } from './access.ts'
import { refuseForeign } from './guard.ts'
import type { Live } from './live.ts'
import { routes } from './routes.ts'

export interface AppOptions {
  live: Live
  access: Access
  /** Removes secrets from a text. */
  scrub(text: string): string
  /** Takes what went wrong in answering. */
  onError(error: unknown): void
}

/** What is wrong with the moment, and not with this program. */
const passing: ErrorCode[] = ['NOT_READY', 'ENGINE_UNREACHABLE', 'ENGINE_FAILED', 'TIMEOUT', 'INTERRUPTED']

/** Answers requests. Every answer, whatever was asked, has the same headers and has passed the same checks. */
export function createApp({ live, access, scrub, onError }: AppOptions): Hono {
  const app = new Hono()
  app.use(secureHeaders(headers))
  app.use(async (context, next) => {
    context.header('Cache-Control', 'no-store')
    const refused = refuseForeign(
      { host: context.req.header('host'), origin: context.req.header('origin') },
      access.needsToken,
    )
    if (refused) return context.text(`${refused.reason}\n`, refused.status)
    return await next()
  })
  app.use(async (context, next) => {
    if (isOpen(context) || access.admits(context.req.header('authorization'))) return await next()
    context.header('WWW-Authenticate', 'Bearer realm="xnai-backup"')
    return context.text('this needs the token of listen-token, as a bearer token\n', 401)
  })
  for (const { path, answer } of routes) app.get(path, (context) => answer(context, live))
  app.notFound((context) => context.text('there is nothing here\n', 404))
  app.onError((thrown, context) => {
    const error = asBackupError(thrown)
    const isPassing = passing.includes(error.code)
    if (!isPassing) onError(error)
    const { code, message, hint } = reportError(error)
    return context.json({ error: { code, message: scrub(message), hint: scrub(hint) } }, isPassing ? 503 : 500)
  })
  return app
}

const isOpen = ({ req }: Context): boolean => routes.some(({ path, isOpen }) => isOpen && path === req.path)

/** Nothing is loaded from elsewhere, and no other page shows this one in a frame. The transport is up to a proxy. */
const headers: Parameters<typeof secureHeaders>[0] = {
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
}
