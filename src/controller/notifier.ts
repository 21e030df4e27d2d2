import { randomUUID } from 'node:crypto'
import { BackupError, reportError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { NotifyAddress } from '../notify/address.ts'
import { createCourier } from '../notify/courier.ts'
import { decide } from '../notify/decide.ts'
import type { NoticeState } from '../notify/state.ts'
import type { StatusReport } from '../report/status.ts'
import type { Pass } from './pass.ts'

/** Tells the configured addresses of what the passes of a controller see. */
export interface Notifier {
  /**
   * Considers a pass that has ended, or a newer one where another is being considered. Resolves when it is decided what to tell; never
   * rejects. Passes MUST not wait for it.
   */
  consider(pass: Pass): Promise<void>
  /** Resolves when nothing is being handed over, after it has noted that this controller has ended by itself. */
  end(): Promise<void>
}

export interface NotifierOptions {
  addresses: NotifyAddress[]
  /** The report of `status --json`, without secrets. Rejects while no pass has seen the stack. */
  report(): Promise<StatusReport>
}

/** A report lists the repositories. Without a run that has ended, a new one is made so often. */
const reportMs = 5 * 60_000

/** It MUST be created before this controller is known to others: another one that lives has not crashed. */
export function createNotifier(
  parts: Pick<Parts, 'catalog' | 'clock' | 'log' | 'settings'>,
  { addresses, report }: NotifierOptions,
  signal: AbortSignal,
): Notifier {
  const { catalog, clock, log, settings } = parts
  const courier = createCourier(parts, addresses, signal)
  const currentReport = keepReport(clock, report)
  const stack = settings.project ?? 'xnai-backup'
  let hasCrashed = hasDied(catalog)
  let newest: Pass | undefined
  let considering = Promise.resolve()

  async function considerPass({ observed, active, errors, failures }: Pass): Promise<void> {
    const runs = catalog.unnoticedRuns(settings.project)
    const isOver = runs.some(({ outcome }) => outcome !== undefined)
    const seen = observed && (await currentReport(isOver))
    const input = {
      ...{ now: clock.now(), stack, runs, report: seen, hasCrashed, id: randomUUID() },
      isBusy: active.length > 0 || (observed?.locked.size ?? 0) > 0,
      ...(failures > 0 && { engineFault: reportError(errors.findLast(isOfEngine) ?? unknownFault) }),
    }
    const decision = decide(catalog.noticeState() as NoticeState | undefined, input)
    courier.accept({ ...decision, state: { ...decision.state, controller: catalog.owner } })
    hasCrashed = false
  }
  async function considerNewest(): Promise<void> {
    const pass = newest
    newest = undefined
    if (!pass || signal.aborted) return
    try {
      await considerPass(pass)
    } catch (error) {
      if (!signal.aborted) logFailure(log, 'cannot decide what to tell', error)
    }
  }
  return {
    consider(pass) {
      newest = pass
      considering = considering.then(considerNewest)
      return considering
    },
    async end() {
      await considering
      await courier.drain()
      const { controller, ...state } = (catalog.noticeState() ?? {}) as Partial<NoticeState>
      if (controller === catalog.owner) catalog.recordNotices({ state, runs: [], notices: [] })
    },
  }
}

const isOfEngine = ({ code }: BackupError): boolean => code.startsWith('ENGINE_') || code === 'TIMEOUT'
const unknownFault = new BackupError('ENGINE_FAILED', 'no reason is known')

/** A controller whose process has ended without saying so. */
function hasDied(catalog: Parts['catalog']): boolean {
  const { controller } = (catalog.noticeState() ?? {}) as Partial<NoticeState>
  return controller !== undefined && !catalog.holders().some(({ key }) => key.kind === 'controller')
}

/** Answers the last report as long as it is young and `isNeeded` does not ask for a new one. */
function keepReport(
  clock: Parts['clock'],
  make: () => Promise<StatusReport>,
): (isNeeded: boolean) => Promise<StatusReport> {
  let made: { report: StatusReport; atMs: number } | undefined
  return async (isNeeded) => {
    if (!made || isNeeded || clock.monotonicMs() - made.atMs >= reportMs)
      made = { report: await make(), atMs: clock.monotonicMs() }
    return made.report
  }
}
