import { describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { container, enabled, methods, settings } from './build.ts'

const dumps = { needsRunning: true, paths: () => [] }
const all = { ...methods, mariadb: dumps, mongodb: dumps, postgres: dumps, qdrant: dumps, victoriametrics: dumps }

function problemsOf(labels: Record<string, string>, names: string[]) {
  const environment = new Map(names.map((name) => [name, 'the secret itself']))
  const facts: Partial<ContainerFacts> = { labels: enabled(labels), environment }
  return makePlan([container('db', facts)], settings, all).problems
}

describe('a label that names a variable which the container does not have', () => {
  test('is a problem that names container, label and the nearest variable, and not its value', () => {
    const [problem, ...others] = problemsOf({ method: 'redis', 'redis.password-env': 'REDIS_PASSWROD' }, [
      'PATH',
      'REDIS_PASSWORD',
    ])
    expect(others).toEqual([])
    expect(problem).toMatchObject({
      container: 'shop-db-1',
      target: 'db',
      label: 'xnai.backup.redis.password-env',
      reason: 'shop-db-1 has no environment variable of this name',
      suggestion: 'REDIS_PASSWORD',
    })
    expect(JSON.stringify(problem)).not.toMatch(/PASSWROD|secret itself/)
  })

  test.for([
    ['postgres.password-env', 'postgres'],
    ['mariadb.password-env', 'mariadb'],
    ['mongodb.password-env', 'mongodb'],
    ['qdrant.api-key-env', 'qdrant'],
    ['victoriametrics.auth-key-env', 'victoriametrics'],
    ['victoriametrics.password-env', 'victoriametrics'],
  ] as const)('is a problem of %s, with the variable that holds a secret', ([label, method]) => {
    const [problem] = problemsOf({ method, [label]: 'MINE' }, ['PATH', 'DB_PASSWORD'])
    expect(problem).toMatchObject({ label: `xnai.backup.${label}`, suggestion: 'DB_PASSWORD' })
  })

  test('is named in full for a target with a name', () => {
    const labels = { 'target.cache.method': 'redis', 'target.cache.redis.password-env': 'MINE' }
    expect(problemsOf(labels, [])).toMatchObject([
      { target: 'cache', label: 'xnai.backup.target.cache.redis.password-env' },
    ])
  })

  test('is none where the variable is there, be it empty', () => {
    expect(problemsOf({ method: 'redis', 'redis.password-env': 'MINE' }, ['MINE'])).toEqual([])
    expect(problemsOf({ method: 'redis' }, [])).toEqual([])
  })
})

describe('a password that a secret gives as a file', () => {
  test.for(['mariadb', 'mongodb'] as const)('is read by %s under the name of the variable', (method) => {
    expect(problemsOf({ method, [`${method}.password-env`]: 'DB_PASSWORD' }, ['DB_PASSWORD_FILE'])).toEqual([])
  })

  test.for(['redis', 'postgres'] as const)('is no variable to %s', (method) => {
    const [problem] = problemsOf({ method, [`${method}.password-env`]: 'DB_PASSWORD' }, ['DB_PASSWORD_FILE'])
    expect(problem?.reason).toMatch(/; its DB_PASSWORD_FILE names a file, which is no variable$/)
  })

  test('is none while a run holds the unit of the container, whose variables are not known then', () => {
    const labels = enabled({ method: 'redis', 'redis.password-env': 'REDIS_PASSWORD' })
    expect(makePlan([container('db', { labels, gone: true })], settings, all).problems).toEqual([])
  })
})
