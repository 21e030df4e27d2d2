import { openCatalog } from '../../src/catalog/sqlite.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { OpenParts } from '../../src/main.ts'
import { methods } from '../../src/methods/index.ts'
import { type ArchiveOptions, openArchive } from '../../src/repository/archive.ts'
import { brittleServer } from '../fakes/brittle-server.ts'
import { type FakeCommand, type FakeEngineOptions, fakeEngine } from '../fakes/engine.ts'
import { fileWorld } from '../fakes/engine-world.ts'
import { fakeUnits } from '../fakes/units.ts'
import { asMethod } from '../support/whole-method.ts'

/** Waits of the product (for health, for events to end) are ten times as short: a fake container needs no time. */
const clock = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 10, signal) }

/** The command of a `verify.exec` label. */
const nothing: FakeCommand = ({ request }) => (request.command[0] === 'true' ? {} : undefined)

export interface WorldOptions
  extends Pick<ArchiveOptions, 'prepareBytes'>,
    Pick<FakeEngineOptions, 'answerMs' | 'stopMs' | 'onStopping'> {}

/** The real catalog, archive and methods of a command, around the fake engine whose world lies in the file `path`. */
export const openPartsInWorld =
  (path: string, { answerMs = 0, prepareBytes, ...stops }: WorldOptions = {}): OpenParts =>
  async ({ state, local, settings }, log) => {
    if (local.kind !== 'archive') throw new Error('the victim works with an archive')
    const world = fileWorld(path)
    const catalog = openCatalog(state)
    return {
      engine: fakeEngine({ answerMs, ...stops, world, volumes: `${path}.volumes`, commands: [nothing] }),
      units: fakeUnits(world, { answerMs }),
      catalog,
      repositories: new Map([
        [
          'local',
          openArchive(local.dir, { manifests: catalog.manifests, ...(prepareBytes !== undefined && { prepareBytes }) }),
        ],
      ]),
      methods: { ...methods, redis: asMethod(brittleServer) },
      clock,
      log,
      settings,
      host: 'machine',
      ownPath: (hostPath) => hostPath,
      [Symbol.asyncDispose]: async () => {
        catalog[Symbol.dispose]()
        world[Symbol.dispose]()
      },
    }
  }
