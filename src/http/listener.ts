import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { createAccess } from './access.ts'
import { createApp } from './app.ts'
import type { ServeOptions } from './serve.ts'

const readOnly = ['GET', 'HEAD']

/** Makes what answers the requests of one server. */
export function createListener(log: Parts['log'], { live, token, scrub }: ServeOptions): RequestListener {
  const onError = (error: unknown) => logFailure(log, 'a request is not answered', error, { level: 'warn' })
  const app = createApp({ live, access: createAccess(token), scrub, onError })
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false })
  return (request, response) => {
    if (readOnly.includes(request.method ?? '')) return void answer(request, response)
    response.writeHead(405, { Allow: readOnly.join(', '), 'Content-Type': 'text/plain', Connection: 'close' })
    response.end('everything here is read only\n')
  }
}
