/**
 * The kills on Podman: one for each kind of step, where the most is under way. The other steps are killed on a fake
 * engine.
 */
export const podmanKills = {
  restore: [
    ...['catalog.lock 2', 'catalog.claimOrphans 1', 'repository.sweep 1', 'catalog.startRun 1', 'repository.verify 1'],
    ...['catalog.addIntent 2', 'engine.stop 2', 'repository.stage 1', 'staged.publish 1', 'repository.extract 1'],
    ...['bytes pass 2', 'repository.proveTree 1', 'engine.start 2', 'catalog.dropIntent 2', 'catalog.finishRun 1'],
  ],
  backup: ['repository.prepare 1'],
  slowBackup: ['stop under way 1'],
  controller: ['engine.start 1', 'catalog.saveSchedule 1'],
}

export const kindOf = (step: string): string => step.replace(/ \d+$/, '')

/** Kinds of steps among `killed` that no kill on Podman stands for. */
export function kindsNotOnPodman(killed: string[]): string[] {
  const there = new Set(Object.values(podmanKills).flat().map(kindOf))
  return [...new Set(killed.map(kindOf))].filter((kind) => !there.has(kind))
}
