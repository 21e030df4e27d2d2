import type { Live } from './live.ts'

export interface Health {
  ok: boolean
  /** Lines for people. They name nothing of the stack, because everybody may read them. */
  text: string
}

/** A pass comes every minute, and a slow engine or repository may keep one for two more. */
const stalledMs = 5 * 60_000

/** Whether passes go on, whatever they find. */
export function checkHealth(live: Live): Health {
  const seconds = Math.round(live.passAgeMs() / 1000)
  return live.passAgeMs() < stalledMs
    ? { ok: true, text: 'ok\n' }
    : { ok: false, text: `the controller hangs: no pass has ended for ${seconds} s\n` }
}

/** Whether a backup could begin: engine and local repository answered in the newest pass. */
export function checkReadiness(live: Live): Health {
  const health = checkHealth(live)
  const pass = live.pass()
  if (!health.ok) return health
  if (!pass) return { ok: false, text: 'no pass has ended yet\n' }
  const missing = [
    ...(pass.failures > 0 ? ['the container engine does not answer\n'] : []),
    ...(pass.repositoryFault ? ['the local repository cannot be used\n'] : []),
  ]
  return { ok: missing.length === 0, text: missing.join('') || 'ok\n' }
}
