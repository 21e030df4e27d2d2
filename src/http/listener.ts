import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { createAccess } from './access.ts'
import { createApp } from './app.ts'
import { createEvents } from './events.ts'
import { makeRoutes } from './routes.ts'
import type { ServeOptions } from './serve.ts'
import { formPaths } from './sessions.ts'

const readOnly = ['GET', 'HEAD']

/** Makes what answers the requests of one server. The signal ends its streams. */
export function createListener(
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  { live, token, scrub }: ServeOptions,
  signal: AbortSignal,
): RequestListener {
  const onError = (error: unknown) => logFailure(log, 'a request is not answered', error, { level: 'warn' })
  const routes = makeRoutes(createEvents(clock, signal))
  const app = createApp({ live, access: createAccess(token, clock), routes, scrub, onError })
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false })
  const isForm = (url = '') => token !== undefined && formPaths.includes(url)
  return (request, response) => {
    const { method = '', url } = request
    if (readOnly.includes(method) || (method === 'POST' && isForm(url))) return void answer(request, response)
    response.writeHead(405, { Allow: readOnly.join(', '), 'Content-Type': 'text/plain', Connection: 'close' })
    response.end('everything here is read only\n')
  }
}
