import type { Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { renderLogin } from '../page/login.ts'
import type { Access, Credentials } from './access.ts'

const cookie = 'xnai-backup-session'
const mostBytes = 4096

/** The only paths that take anything: the form that begins a session, and the button that ends one. */
export const formPaths = ['/login', '/logout']

export const credentialsOf = (context: Context): Credentials => ({
  authorization: context.req.header('authorization'),
  session: getCookie(context, cookie),
})

export const hasSession = (context: Context): boolean => getCookie(context, cookie) !== undefined

/** Whether a person with a browser asks, and no program. */
export const wantsPage = ({ req }: Context): boolean =>
  req.header('accept')?.includes('text/html') === true && !req.path.startsWith('/api/')

/** Tells a browser to show the form, and a program what is missing. */
export function askForToken(context: Context): Response | Promise<Response> {
  context.header('WWW-Authenticate', 'Bearer realm="xnai-backup"')
  if (wantsPage(context)) return context.html(renderLogin(context.req.path, false), 401)
  return context.text('this needs the token of listen-token, as a bearer token\n', 401)
}

/** Adds the paths of the form. */
export function addForms(app: Hono, access: Access): void {
  const tooLong = (context: Context) => context.text('that is too long\n', 413)
  app.post('/login', bodyLimit({ maxSize: mostBytes, onError: tooLong }), async (context) => {
    const { token, to } = await context.req.parseBody()
    const place = ownPath(to)
    const session = access.logIn(typeof token === 'string' ? token.trim() : '')
    if (session === undefined) return context.html(renderLogin(place, true), 401)
    setCookie(context, cookie, session, { ...kept, secure: context.req.header('x-forwarded-proto') === 'https' })
    return context.redirect(place, 303)
  })
  app.post('/logout', (context) => {
    access.logOut(getCookie(context, cookie))
    deleteCookie(context, cookie, { path: '/' })
    return context.redirect('/', 303)
  })
}

const kept = { path: '/', httpOnly: true, sameSite: 'Strict' } as const

/** A path of this server, whatever a form says. */
function ownPath(to: unknown): string {
  const base = 'http://own.invalid'
  const url = typeof to === 'string' && to.startsWith('/') ? URL.parse(to, base) : null
  return url?.origin === base && !formPaths.includes(url.pathname) ? url.pathname : '/'
}
