import type { Context } from 'hono'
import { assets } from '../page/assets.ts'
import { renderOverview } from '../page/overview.ts'
import { renderTarget } from '../page/target.ts'
import type { Live } from './live.ts'
import type { Route } from './routes.ts'
import { hasSession } from './sessions.ts'

/** What people look at. */
export const pages: Route[] = [
  { path: '/', answer: showOverview },
  { path: '/targets/:project/:name', answer: showTarget },
  ...Object.values(assets).map(({ path, type, body }): Route => {
    const headers = { 'Content-Type': type, 'Cache-Control': 'public, max-age=31536000, immutable' }
    return { path, isOpen: true, answer: (context) => context.body(body, 200, headers) }
  }),
]

async function showOverview(context: Context, live: Live): Promise<Response> {
  const overview = await live.overview()
  return await context.html(renderOverview({ ...overview, canLogOut: hasSession(context) }))
}

async function showTarget(context: Context, live: Live): Promise<Response> {
  const { project = '', name = '' } = context.req.param() as Record<string, string>
  const target = await live.target(project, name)
  return target ? await context.html(renderTarget({ ...target, canLogOut: hasSession(context) })) : context.notFound()
}
