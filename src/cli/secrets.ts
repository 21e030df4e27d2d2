import type { ContainerFacts, Engine } from '../engine/engine.ts'

/** Takes secrets out of text by their value: the last line of defence, behind code that never puts them there (P9). */
export interface Scrubber {
  learn(secret: string): void
  scrub(text: string): string
}

/** Shorter values stand in too much innocent text. */
const shortestSecret = 6

export function makeScrubber(): Scrubber {
  const secrets = new Set<string>()
  return {
    learn: (secret) => {
      if (secret.length < shortestSecret) return
      // As it stands, and as it stands within a line of JSON.
      secrets.add(secret).add(JSON.stringify(secret).slice(1, -1))
    },
    scrub: (text) => {
      const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length)
      return longestFirst.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text)
    },
  }
}

const secretName = /PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH/i

/** An engine whose containers' secrets become known to the scrubber as they are seen. */
export function watchSecrets(engine: Engine, scrubber: Scrubber): Engine {
  const learn = (container: ContainerFacts) => {
    for (const secret of secretsOf(container)) scrubber.learn(secret)
  }
  return {
    ...engine,
    list: async (signal) => {
      const containers = await engine.list(signal)
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

/** A value that stands in the open too (a service `postgres` with the password `postgres`) cannot be kept by scrubbing. */
function secretsOf({ environment, name, project, service, labels }: ContainerFacts): string[] {
  const { secret = [], open = [] } = Object.groupBy(environment, ([key]) => (secretName.test(key) ? 'secret' : 'open'))
  const known = new Set([name, project, service, ...Object.values(labels), ...open.map(([, value]) => value)])
  return secret.map(([, value]) => value).filter((value) => !known.has(value))
}
