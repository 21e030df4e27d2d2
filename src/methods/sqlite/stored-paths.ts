import type { Facts } from '../../repository/repository.ts'
import { recordOf } from '../shared/facts.ts'

/** The container paths of the databases that a snapshot holds. */
export const storedPaths = ({ paths }: Facts): string[] =>
  Object.values(recordOf(paths)).filter((path) => typeof path === 'string')
