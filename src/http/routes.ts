import type { Context } from 'hono'
import { checkHealth, checkReadiness, type Health } from './health.ts'
import type { Live } from './live.ts'

/** One path of the server. It is read only: GET and HEAD. */
export interface Route {
  path: string
  /** Answered without the token, to programs that watch the controller. It MUST name nothing of the stack. */
  isOpen?: true
  answer(context: Context, live: Live): Response | Promise<Response>
}

/** Every path that is served. */
export const routes: Route[] = [
  { path: '/healthz', isOpen: true, answer: (context, live) => answerHealth(context, checkHealth(live)) },
  { path: '/readyz', isOpen: true, answer: (context, live) => answerHealth(context, checkReadiness(live)) },
  { path: '/api/v1/status', answer: async (context, live) => context.json(await live.status()) },
]

const answerHealth = (context: Context, { ok, text }: Health): Response => context.text(text, ok ? 200 : 503)
