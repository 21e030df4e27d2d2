import type { Context } from 'hono'
import { renderMetrics } from '../metrics/render.ts'
import type { MetricsView } from '../metrics/view.ts'
import { checkHealth, checkReadiness, type Health } from './health.ts'
import type { Live } from './live.ts'
import { pages } from './pages.ts'

/** One path of the server. It is read only: GET and HEAD. */
export interface Route {
  path: string
  /** Answered without the token, to programs that watch the controller. It MUST name nothing of the stack. */
  isOpen?: true
  answer(context: Context, live: Live): Response | Promise<Response>
}

/** What programs ask for. */
const api: Route[] = [
  { path: '/healthz', isOpen: true, answer: (context, live) => answerHealth(context, checkHealth(live)) },
  { path: '/readyz', isOpen: true, answer: (context, live) => answerHealth(context, checkReadiness(live)) },
  { path: '/api/v1/status', answer: async (context, live) => context.json(await live.status()) },
  { path: '/metrics', answer: async (context, live) => answerMetrics(context, await live.metrics()) },
]

/** Every path that is served. `events`: answers with the stream of them. */
export const makeRoutes = (events: Route['answer']): Route[] => [
  ...api,
  { path: '/api/v1/events', answer: events },
  ...pages,
]

async function answerMetrics(context: Context, view: MetricsView): Promise<Response> {
  const { text, contentType } = await renderMetrics(view)
  return context.text(text, 200, { 'Content-Type': contentType })
}

const answerHealth = (context: Context, { ok, text }: Health): Response => context.text(text, ok ? 200 : 503)
