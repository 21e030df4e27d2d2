import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { container, makeFolder } from './cli.ts'

/** The command line beside one service `app` with a file in a bind mount, and a real archive and state. All lie in `folder`. */
export function setOneApp() {
  const folder = makeFolder()
  const backups = join(folder, 'backups')
  for (const path of [backups, join(folder, 'data')]) mkdirSync(path)
  writeFileSync(join(folder, 'data', 'word'), 'one')
  const app = container('app', {
    labels: { 'xnai.backup.enable': 'true' },
    mounts: [{ kind: 'bind', source: join(folder, 'data'), destination: '/srv', writable: true }],
  })
  const engine = fakeEngine({ containers: [app] })
  const stage = { engine, local: openArchive(backups), clock: systemClock, state: join(folder, 'state') }
  return { folder, backups, engine, stage }
}
