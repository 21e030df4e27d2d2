/**
 * The product's own program, which sends itself the signal INTERRUPT_BY at the moment INTERRUPT_AT. `capture`: the
 * first bytes of a capture have passed. `replace`: a restore reads the largest artifact of a snapshot for the first
 * time; `replace again`: for the second time. `start`: a restore is about to start a container with the restored data.
 */
import { openParts, start } from '../../../src/main.ts'
import type { Repository, Snapshot, Tier } from '../../../src/repository/repository.ts'

const by = process.env.INTERRUPT_BY as NodeJS.Signals
let moment = process.env.INTERRUPT_AT

function reach(name: string): void {
  if (name !== moment) return
  moment = undefined
  process.kill(process.pid, by)
}

/** Artifacts that describe the data without holding it do not count. */
function isLargest({ artifacts }: Snapshot, artifact: string): boolean {
  const data = artifacts.filter(({ name }) => !/\.json$|^(accounts|globals)\.sql$/.test(name))
  return data.toSorted((a, b) => b.bytes - a.bytes)[0]?.name === artifact
}

await start(async (...args) => {
  const parts = await openParts(...args)
  const { catalog, engine, repositories } = parts
  const local = repositories.get('local') as Repository
  let isReplacing = false
  let reads = 0
  const read = (snapshot: Snapshot, artifact: string) => {
    if (isReplacing && isLargest(snapshot, artifact)) reach(++reads === 1 ? 'replace' : 'replace again')
  }
  return {
    ...parts,
    catalog: {
      ...catalog,
      addIntent: (intent) => {
        isReplacing ||= intent.kind === 'roll-back'
        return catalog.addIntent(intent)
      },
    },
    engine: {
      ...engine,
      start: (...call) => {
        if (isReplacing) reach('start')
        return engine.start(...call)
      },
    },
    repositories: new Map<Tier, Repository>().set('local', {
      ...local,
      stage: (target, artifacts, options) => {
        const onBytes = (count: number) => {
          reach('capture')
          options.onBytes?.(count)
        }
        return local.stage(target, artifacts, { ...options, onBytes })
      },
      open: (snapshot, artifact, signal) => {
        read(snapshot, artifact)
        return local.open(snapshot, artifact, signal)
      },
      extract: (snapshot, artifact, to, options) => {
        read(snapshot, artifact)
        return local.extract(snapshot, artifact, to, options)
      },
    }),
  }
})
