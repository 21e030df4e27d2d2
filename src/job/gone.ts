import type { Intents, ResumeIntent } from '../catalog/catalog.ts'
import type { ContainerFacts } from '../engine/engine.ts'

/**
 * What a resume intent notes of a container that its systemd unit removes with every stop and makes anew with every start; nothing for any
 * other. Its environment may hold secrets and is left out.
 */
export function noteGone({ environment: _, ...facts }: ContainerFacts): Pick<ResumeIntent, 'gone'> {
  return facts.unit === undefined ? {} : { gone: facts }
}

/**
 * The containers that are there, and those that are gone for the time in which a run holds them, as stopped ones. Without them a plan would
 * miss targets, and writers that come back in the middle of another run; and nothing could be rolled back after a crash.
 */
export function withGone(containers: ContainerFacts[], catalog: Pick<Intents, 'intents'>): ContainerFacts[] {
  const noted = catalog.intents().flatMap((intent) => (intent.kind === 'resume' && intent.gone ? [intent.gone] : []))
  const isThere = (gone: { name: string; unit?: string }) =>
    containers.some(({ name, unit }) => name === gone.name || (unit !== undefined && unit === gone.unit))
  const gone = new Map(noted.filter((facts) => !isThere(facts)).map((facts) => [facts.name, facts]))
  return [
    ...containers,
    ...[...gone.values()].map((facts) => ({
      ...facts,
      state: 'stopped' as const,
      gone: true as const,
      environment: new Map(),
    })),
  ]
}
