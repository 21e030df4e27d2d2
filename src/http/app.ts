import { Hono, type HonoRequest } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { asBackupError, type ErrorCode, reportError } from '../errors.ts'
import { renderFailure } from '../page/failure.ts'
import type { Access } from './access.ts'
import { refuseForeign } from './guard.ts'
import type { Live } from './live.ts'
import type { Route } from './routes.ts'
import { addForms, askForToken, credentialsOf, formPaths, wantsPage } from './sessions.ts'

export interface AppOptions {
  live: Live
  access: Access
  routes: Route[]
  /** Removes secrets from a text. */
  scrub(text: string): string
  /** Takes what went wrong in answering. */
  onError(error: unknown): void
}

/** What is wrong with the moment, and not with this program. */
const passing: ErrorCode[] = ['NOT_READY', 'ENGINE_UNREACHABLE', 'ENGINE_FAILED', 'TIMEOUT', 'INTERRUPTED']

/** Answers requests. Every answer, whatever was asked, has the same headers and has passed the same checks. */
export function createApp({ live, access, routes, scrub, onError }: AppOptions): Hono {
  const app = new Hono()
  app.use(secureHeaders(headers))
  app.use(async (context, next) => {
    const refused = refuseForeign(
      { host: context.req.header('host'), origin: context.req.header('origin') },
      access.needsToken,
    )
    if (refused) return context.text(`${refused.reason}\n`, refused.status)
    await next()
    if (!context.res.headers.has('Cache-Control')) context.header('Cache-Control', 'no-store')
    return undefined
  })
  const openPaths = new Set(routes.flatMap(({ path, isOpen }) => (isOpen ? [path] : [])))
  const isForm = ({ method, path }: HonoRequest) => method === 'POST' && formPaths.includes(path)
  app.use(async (context, next) => {
    const isOpen = openPaths.has(context.req.path) || isForm(context.req)
    if (isOpen || access.admits(credentialsOf(context))) return await next()
    return await askForToken(context)
  })
  for (const { path, answer } of routes) app.get(path, (context) => answer(context, live))
  if (access.needsToken) addForms(app, access)
  app.notFound((context) => context.text('there is nothing here\n', 404))
  app.onError((thrown, context) => {
    const error = asBackupError(thrown)
    const isPassing = passing.includes(error.code)
    if (!isPassing) onError(error)
    const { code, message, hint } = reportError(error)
    const told = { code, message: scrub(message), hint: scrub(hint) }
    const status = isPassing ? 503 : 500
    if (!wantsPage(context)) return context.json({ error: told }, status)
    if (isPassing) context.header('Refresh', '5')
    return context.html(renderFailure(told), status)
  })
  return app
}

/** Nothing is loaded from elsewhere, and no other page shows this one in a frame. The transport is up to a proxy. */
const headers: Parameters<typeof secureHeaders>[0] = {
  strictTransportSecurity: false,
  // Without any, a browser sends the form with the origin `null`, which is refused.
  referrerPolicy: 'same-origin',
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
