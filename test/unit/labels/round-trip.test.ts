import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLabels } from '../../../src/labels/decode.ts'
import { encodeLabels } from '../../../src/labels/encode.ts'
import { type MethodKind, methodKinds, type TargetSpec } from '../../../src/labels/spec.ts'
import { places, prefix } from '../../../src/labels/table.ts'

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/)
const foreign = fc.stringMatching(/^[A-Za-z0-9_äß.][A-Za-z0-9_äß. $'"-]{0,20}[A-Za-z0-9]$/)
const seconds = fc.oneof(
  fc.integer({ min: 1, max: 600_000 }),
  fc.integer({ min: 1, max: 7 }).map((days) => days * 86_400),
)
const path = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_ä ]{0,8}[a-z]$/), { maxLength: 4 })
  .map((steps) => `/${steps.join('/')}`)
const pattern = fc.constantFrom('*.tmp', '**/cache/**', '*.{log,tmp}', 'a b', '[^x]', '{a,{b,c}}/*')
const environment = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/)
const argv = fc.oneof(
  fc.tuple(
    fc.constant('/bin/sh'),
    fc.constant('-c'),
    fc.string().map((text) => text.replaceAll('\0', '')),
  ),
  fc
    .array(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
      { maxLength: 4 },
    )
    .map((rest) => ['prog', ...rest]),
)
const url = fc.constantFrom('http://127.0.0.1:8080/health', 'https://web/ready?deep=1&x=a,b', 'http://[::1]/')
const cron = fc
  .tuple(
    fc.integer({ min: 0, max: 59 }),
    fc.constantFrom('*', '2', '*/6', '1-5', '3,4'),
    fc.constantFrom('*', '1', '*/2'),
    fc.constantFrom('*', 'JAN-mar'),
    fc.constantFrom('*', 'MON', '0-7'),
  )
  .map((fields) => ({ kind: 'cron' as const, expression: fields.join(' ') }))
const schedule = fc.oneof(cron, fc.constant({ kind: 'on-change' as const }), fc.constant({ kind: 'manual' as const }))
const policy = fc
  .record(
    { daily: seconds, weekly: seconds, monthly: seconds, last: fc.integer({ min: 1, max: 99 }) },
    { requiredKeys: [] },
  )
  .filter((each) => Object.keys(each).length > 0)
const some = <T>(entry: fc.Arbitrary<T>) => fc.uniqueArray(entry, { minLength: 1, maxLength: 3 })

const options: { [K in MethodKind]: fc.Arbitrary<object> } = {
  files: fc.constant({}),
  sqlite: fc.constant({}),
  redis: fc.record(
    {
      port: fc.integer({ min: 1, max: 65_535 }),
      tls: fc.boolean(),
      user: foreign,
      passwordEnv: environment,
      passwordFile: path,
      cacert: path,
      cert: path,
      key: path,
    },
    { requiredKeys: ['port', 'tls'] },
  ),
  postgres: fc.record({ user: foreign, databases: some(foreign), passwordEnv: environment }, { requiredKeys: [] }),
  mariadb: fc.record({ user: foreign, databases: some(foreign), passwordEnv: environment }, { requiredKeys: ['user'] }),
  mongodb: fc.record(
    {
      port: fc.integer({ min: 1, max: 65_535 }),
      tls: fc.boolean(),
      user: foreign,
      passwordEnv: environment,
      cacert: path,
    },
    { requiredKeys: ['port', 'tls'] },
  ),
  qdrant: fc.record(
    {
      port: fc.integer({ min: 1, max: 65_535 }),
      tls: fc.boolean(),
      collections: some(foreign),
      apiKeyEnv: environment,
    },
    { requiredKeys: ['port', 'tls'] },
  ),
  victoriametrics: fc.record(
    {
      port: fc.integer({ min: 1, max: 65_535 }),
      tls: fc.boolean(),
      authKeyEnv: environment,
      pathPrefix: path,
      user: foreign,
      passwordEnv: environment,
    },
    { requiredKeys: ['port', 'tls'] },
  ),
}

const always = [
  'exclude',
  'quiesce',
  'settleSeconds',
  'maxWaitSeconds',
  'startTimeoutSeconds',
  'execTimeoutSeconds',
] as const

const spec: fc.Arbitrary<TargetSpec> = fc.constantFrom(...methodKinds).chain((method) =>
  fc
    .record(
      {
        settleSeconds: seconds,
        maxWaitSeconds: seconds,
        startTimeoutSeconds: seconds,
        execTimeoutSeconds: seconds,
        quiesce: fc.constantFrom('stop', 'pause', 'none'),
        exclude: method === 'files' ? fc.uniqueArray(pattern, { maxLength: 3 }) : fc.constant([]),
        name,
        schedule,
        timezone: fc.constantFrom('Europe/Berlin', 'UTC', 'US/Eastern', 'Etc/GMT+2'),
        stopTimeoutSeconds: seconds,
        maxStopSeconds: seconds,
        execPre: argv,
        execPost: argv,
        group: name,
        retentionLocal: policy,
        retentionRemote: policy,
        rpoSeconds: seconds,
        rtoSeconds: seconds,
        clients: some(foreign),
        verifyExec: argv,
        verifyHttp: url,
        drill: fc.oneof(cron, fc.constant('off')),
      },
      { requiredKeys: [...always] },
    )
    .chain((common) =>
      fc.record(
        { method: fc.constant(method), options: options[method], paths: some(path), common: fc.constant(common) },
        {
          requiredKeys:
            method === 'sqlite' ? ['method', 'options', 'common', 'paths'] : ['method', 'options', 'common'],
        },
      ),
    )
    .map(({ common, paths, ...rest }) => {
      const mayHavePaths = paths !== undefined && (method === 'files' || method === 'sqlite')
      return { ...common, ...rest, ...(mayHavePaths && { paths }) } as TargetSpec
    }),
)

const container = fc.record(
  {
    targets: fc.uniqueArray(spec, { minLength: 1, maxLength: 4, selector: (each) => each.name }),
    groupWriter: name,
    writer: fc.constantFrom('auto' as const, 'never' as const),
  },
  { requiredKeys: ['targets'] },
)

const byName = (one: TargetSpec, other: TargetSpec) => ((one.name ?? '') < (other.name ?? '') ? -1 : 1)

const plain: TargetSpec = {
  method: 'files',
  options: {},
  settleSeconds: 60,
  maxWaitSeconds: 86_400,
  startTimeoutSeconds: 120,
  execTimeoutSeconds: 60,
  quiesce: 'stop',
  exclude: [],
}

describe('labels there and back', () => {
  test('a control character in a command is written as JSON writes others', () => {
    const [label] = Object.entries(encodeLabels({ targets: [{ ...plain, execPre: ['prog', '\x7f'] }] })).filter(
      ([key]) => key === `${prefix}exec-pre`,
    )
    expect(label).toEqual([`${prefix}exec-pre`, '["prog","\\u007f"]'])
  })

  test('what encode writes, decode reads as the same', () => {
    fc.assert(
      fc.property(container, (wanted) => {
        const targets = wanted.targets.toSorted(byName)
        const decoded = decodeLabels(encodeLabels({ ...wanted, targets }))
        expect(decoded).toEqual({
          enabled: true,
          targets,
          broken: [],
          problems: [],
          ...(wanted.groupWriter && { groupWriter: wanted.groupWriter }),
          ...(wanted.writer && { writer: wanted.writer }),
        })
      }),
      { numRuns: 200 },
    )
  })

  test('any text under our prefix is a target or a problem, never a crash, never silence', () => {
    const key = fc.oneof(
      fc.constantFrom(...places.keys(), 'method', 'group-writer', 'target.a.method', 'target.a.b'),
      fc.string(),
      fc.constantFrom('constructor', '__proto__'),
    )
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('constructor', 'true', '0 0 * * *', '1h', '/a', 'a,b', '[', '@'),
      fc.string({ minLength: 300 }),
    )
    fc.assert(
      fc.property(fc.dictionary(key, value), (labels) => {
        const decoded = decodeLabels(
          Object.fromEntries(Object.entries({ enable: 'true', ...labels }).map(([k, v]) => [`${prefix}${k}`, v])),
        )
        const problems = [...decoded.problems, ...decoded.broken.flatMap((target) => target.problems)]
        expect(decoded.targets.length + decoded.broken.length + decoded.problems.length).toBeGreaterThan(0)
        for (const target of decoded.broken) expect(target.problems).not.toEqual([])
        for (const problem of problems) {
          expect(problem.reason).not.toBe('')
          expect(problem.value).toMatch(/^\P{Cc}{0,1206}$/u)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('a spec that says what holds anyway needs two labels', () => {
    const { targets } = decodeLabels({ 'xnai.backup.enable': 'true' })
    expect(encodeLabels({ targets })).toEqual({ 'xnai.backup.enable': 'true', 'xnai.backup.method': 'files' })
  })
})
