import type { ContainerFacts, Mount } from '../../../src/engine/engine.ts'
import type { MethodPlans } from '../../../src/plan/make-plan.ts'
import type { PlanSettings } from '../../../src/plan/plan.ts'

const day = 86_400

export const settings: PlanSettings = {
  schedule: { kind: 'cron', expression: '0 2 * * *' },
  drill: { kind: 'cron', expression: '0 5 * * 0' },
  timezone: 'UTC',
  rpoSeconds: day,
  rtoSeconds: 7200,
  retention: { local: { daily: 30 * day }, remote: { weekly: 90 * day } },
}

/** The rules of real methods as far as planning knows them. */
export const methods: MethodPlans = {
  files: {
    needsRunning: false,
    paths: (spec, { mounts }) =>
      spec.paths ??
      mounts.filter(({ kind, writable }) => writable && kind !== 'other').map(({ destination }) => destination),
  },
  sqlite: { needsRunning: true, paths: (spec) => spec.paths ?? [] },
  redis: { needsRunning: true, paths: () => [] },
}

/** A running container of service `name` in project `shop`, without mounts. */
export function container(name: string, facts: Partial<ContainerFacts> = {}): ContainerFacts {
  return {
    id: `id-${name}`,
    name: `shop-${name}-1`,
    project: 'shop',
    service: name,
    number: 1,
    engine: 'podman',
    oneoff: false,
    image: 'localhost/lab:1',
    imageId: 'sha256:1',
    labels: {},
    state: 'running',
    health: 'none',
    exitCode: 0,
    user: '',
    environment: new Map(),
    mounts: [],
    networks: [],
    dependsOn: [],
    requires: [],
    ...facts,
  }
}

/** A container that no compose made. */
export function standalone(name: string, facts: Partial<ContainerFacts> = {}): ContainerFacts {
  const { project, service, number, ...rest } = container(name, { name, ...facts })
  return rest
}

export const volume = (name: string, destination: string, writable = true): Mount => ({
  kind: 'volume',
  name,
  source: `/var/lib/containers/storage/volumes/${name}/_data`,
  destination,
  writable,
})

export const bind = (source: string, destination: string, writable = true): Mount => ({
  kind: 'bind',
  source,
  destination,
  writable,
})

export const enabled = (labels: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries({ enable: 'true', ...labels }).map(([key, value]) => [`xnai.backup.${key}`, value]))
