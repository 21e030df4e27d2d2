import { BackupError } from '../errors.ts'
import type { Prepared, TargetId } from './repository.ts'

/** What a kind of repository knows of its own results of `prepare`, which are opaque to everyone else. */
export interface Preparations<Known> {
  /** `place`: which repository it belongs to. */
  note(prepared: Prepared, place: string, known: Known): void
  /** Answers what was noted. Throws INTERNAL for what another repository or for another target was prepared. */
  read(prepared: Prepared, place: string, target: TargetId): Known
}

export function makePreparations<Known>(): Preparations<Known> {
  const noted = new WeakMap<Prepared, { place: string; known: Known }>()
  return {
    note: (prepared, place, known) => void noted.set(prepared, { place, known }),
    read(prepared, place, { project, target }) {
      const found = noted.get(prepared)
      if (found?.place !== place) throw new BackupError('INTERNAL', 'the trees were prepared by another repository')
      if (prepared.target.project === project && prepared.target.target === target) return found.known
      throw new BackupError('INTERNAL', `the trees were prepared for ${prepared.target.target}, not for ${target}`)
    },
  }
}
