import { describe, expect, test } from 'vitest'
import { judgeHolder, type UnitFacts } from '../../../src/engine/systemd/judge-holder.ts'
import { joinHolders } from '../../../src/engine/units.ts'
import { standalone } from '../plan/build.ts'

const unit: UnitFacts = {
  name: 'app.service',
  loadState: 'loaded',
  activeState: 'active',
  transient: false,
  canStart: true,
  canStop: true,
  mainPid: 40,
  exitStatus: 0,
  hasJob: false,
  stoppedWith: [],
}
const app = standalone('app', { processes: [41, 40] })

describe('whether a unit holds a container', () => {
  test('it does where its main process is the one that Podman runs for it', () => {
    expect(judgeHolder(unit, [], app)).toEqual({ unit: 'app.service', drags: [] })
  })

  test.each<[string, Partial<UnitFacts>]>([
    ['is not the unit that runs this container', { mainPid: 7 }],
    ['is not the unit that runs this container', { mainPid: 0 }],
    ['could not be started again: its file is not-found', { loadState: 'not-found' }],
    ['could not be started again: it is a transient unit', { transient: true }],
    ['may not be stopped and started by hand', { canStop: false }],
    ['may not be stopped and started by hand', { canStart: false }],
  ])('it %s: %j', (problem, facts) => {
    expect(judgeHolder({ ...unit, ...facts }, [], app)).toEqual({ problem: `app.service ${problem}` })
  })

  test('it does not where nothing is known of the processes of the container', () => {
    expect(judgeHolder({ ...unit, mainPid: 0 }, [], standalone('app'))).toHaveProperty('problem')
  })
})

describe('units that systemd stops together', () => {
  const facts = (name: string) => standalone(name, { systemdUnit: `${name}.service` })
  const held = (name: string, drags: string[] = []) => ({
    facts: facts(name),
    holder: { unit: `${name}.service`, drags },
  })

  test('hold containers of which one requires the other', () => {
    const [db, web] = joinHolders([held('db', ['web.service']), held('web')])
    expect(db).toMatchObject({ unit: 'db.service', requires: [] })
    expect(web).toMatchObject({ unit: 'web.service', requires: [db?.id] })
  })

  test('are left alone where one of them holds no container, and is named', () => {
    const [db, web] = joinHolders([held('db', ['web.service', 'host.service']), held('web')])
    expect(db?.unit).toBeUndefined()
    expect(db?.unitProblem).toBe('a stop of db.service would also stop host.service, which is no container')
    expect(web?.unit).toBe('web.service')
  })
})
