import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fileWorld } from '../fakes/engine-world.ts'

/** A stack of seven services on a fake engine, with a real repository and a state directory, all below one folder. */
export interface PageStack extends Disposable {
  env: Record<string, string>
  state: string
  repository: string
  /** See `FakeEngine.endStops`. */
  endStops(): void
  /** Whether a container is being stopped. */
  isStopping(): boolean
}

export const services = ['redis', 'faiss', 'qdrant', 'vikunja-db', 'victoriametrics', 'iam', 'config']
const sizes = [900, 2400, 5200, 1800, 3100, 260, 40]

/** Longer than a test waits for anything. */
const stopMs = 600_000

/** `slow`: the service whose container ends only with `endStops`. */
export function makePageStack(slow?: string): PageStack {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  const [state, repository] = [join(folder, 'state'), join(folder, 'backups')]
  mkdirSync(repository)
  const dataOf = (service: string) => join(folder, 'data', service)
  const world = fileWorld(join(folder, 'world'))
  const engine = fakeEngine({ world })
  for (const [index, service] of services.entries()) {
    mkdirSync(dataOf(service), { recursive: true })
    writeFileSync(join(dataOf(service), 'data.bin'), randomBytes((sizes[index] ?? 1) * 1024))
    engine.add({
      ...{ name: `shop-${service}-1`, project: 'shop', service, number: 1 },
      labels: { 'xnai.backup.enable': 'true', 'xnai.backup.schedule': '0 2 * * *' },
      endsSlowly: service === slow,
      mounts: [{ kind: 'bind', source: dataOf(service), destination: '/data', writable: true }],
    })
  }
  const env = {
    XNAI_BACKUP_LOCAL: `archive:${repository}`,
    XNAI_BACKUP_STATE: state,
    XNAI_BACKUP_PROJECT: 'shop',
    XNAI_BACKUP_LISTEN: '127.0.0.1:0',
    VICTIM_WORLD: join(folder, 'world'),
    VICTIM_STOP_MS: String(stopMs),
  }
  return {
    ...{ env, state, repository, endStops: () => engine.endStops() },
    isStopping: () => world.read().containers.some((one) => one.state === 'stopping'),
    [Symbol.dispose]: () => {
      world[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Gives each service a past of nightly backups that grew a little. */
export function fillPast({ state }: PageStack, nights: number, now: Date): void {
  using catalog = openCatalog(state)
  for (const [index, target] of services.entries()) {
    for (let night = nights; night > 0; night--) {
      const started = new Date(now.getTime() - night * 86_400_000).toISOString()
      const id = `past-${night}`
      const bytes = Math.round(
        (sizes[index] ?? 1) * 1024 * (1 - night * 0.004 * ((index % 4) + 1) + Math.sin(night + index) * 0.02),
      )
      const end = {
        finished: started,
        outcome: 'complete' as const,
        snapshot: `gone-${night}`,
        bytes,
        seconds: 3 + index,
      }
      catalog.startRun({ id, kind: 'backup', trigger: 'schedule', project: 'shop', target, started })
      catalog.finishRun(id, 'shop', target, { ...end, downtimeSeconds: index % 3 === 0 ? 0 : 1.2 * index })
    }
    fillDrill(catalog, target, 9 + index * 5, new Date(now.getTime() - 20 * 3_600_000).toISOString())
  }
}

function fillDrill(catalog: ReturnType<typeof openCatalog>, target: string, seconds: number, started: string): void {
  const checks = [
    { name: 'keys', expected: '1200', actual: '1200', ok: true, state: 'ok' as const },
    { name: 'verify.exec', expected: 'exit 0', actual: 'exit 0', ok: true, state: 'ok' as const },
  ]
  const drill = { verdict: 'verified' as const, tier: 'local' as const, rtoSeconds: 7200, checks, notTested: [] }
  catalog.startRun({ id: 'drill', kind: 'drill', trigger: 'schedule', project: 'shop', target, started })
  catalog.finishRun('drill', 'shop', target, { finished: started, outcome: 'complete', seconds, drill })
}
