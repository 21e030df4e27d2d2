import type { Catalog } from '../catalog/catalog.ts'
import type { ContainerFacts, Engine } from '../engine/engine.ts'
import type { ErrorReport } from '../errors.ts'
import { scrubAll } from '../lib/scrub-all.ts'

/** Removes secrets from text by their value (P9). It is the last line of defence: no code may put a secret into text to begin with. */
export interface Scrubber {
  /** From now on `scrub` removes this value. A value of less than six characters is ignored. */
  learn(secret: string): void
  /** The text with `[secret]` in place of every value that was learnt. */
  scrub(text: string): string
}

/** Shorter values occur by chance in too much other text. */
const shortestSecret = 6

export function makeScrubber(): Scrubber {
  const secrets = new Set<string>()
  return {
    learn: (secret) => {
      if (secret.length < shortestSecret) return
      // The value as it is, and as JSON escapes it.
      secrets.add(secret).add(JSON.stringify(secret).slice(1, -1))
    },
    scrub: (text) => {
      const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length)
      return longestFirst.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text)
    },
  }
}

const secretName = /PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH/i

/** Wraps an engine so that the scrubber learns the secrets of every container that it lists or inspects. */
export function watchSecrets(engine: Engine, scrubber: Scrubber): Engine {
  const learn = (container: ContainerFacts) => {
    for (const secret of secretsOf(container)) scrubber.learn(secret)
  }
  return {
    ...engine,
    list: async (signal, options) => {
      const containers = await engine.list(signal, options)
      containers.forEach(learn)
      return containers
    },
    inspect: async (id, signal) => {
      const container = await engine.inspect(id, signal)
      if (container) learn(container)
      return container
    },
  }
}

/** Wraps a catalog so that it keeps no secret in an error: a later process, which may know no secret, shows it. */
export function keepNoSecrets(catalog: Catalog, { scrub }: Scrubber): Catalog {
  const clean = <T extends { error?: ErrorReport }>(end: T): T => {
    if (!end.error) return end
    const { code, message, hint } = end.error
    return { ...end, error: { code, message: scrub(message), hint: scrub(hint) } }
  }
  return {
    ...catalog,
    finishRun: (id, project, target, end) => catalog.finishRun(id, project, target, clean(end)),
    recordNotices: ({ state, runs, notices }) =>
      catalog.recordNotices({
        runs,
        state: scrubAll(state, scrub),
        notices: notices.map((notice) => ({ ...notice, detail: scrubAll(notice.detail, scrub) })),
      }),
    savePruneState: ({ last, ...change }) => catalog.savePruneState({ ...change, ...(last && { last: clean(last) }) }),
    saveReplication: (end) => catalog.saveReplication(clean(end)),
  }
}

/**
 * The values of the environment variables that look like secrets by their names. A value that is public too, such as the password
 * `postgres` of a service `postgres`, is left out: removing it would make output unreadable and keep nothing secret.
 */
function secretsOf({ environment, name, project, service, labels }: ContainerFacts): string[] {
  const { secret = [], open = [] } = Object.groupBy(environment, ([key]) => (secretName.test(key) ? 'secret' : 'open'))
  const known = new Set([name, project, service, ...Object.values(labels), ...open.map(([, value]) => value)])
  return secret.map(([, value]) => value).filter((value) => !known.has(value))
}
