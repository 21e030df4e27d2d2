import type { Application } from '../model.ts'
import { communication } from './communication.ts'
import { documents } from './documents.ts'
import { machineLearning } from './machine-learning.ts'
import { machineRoom } from './machine-room.ts'
import { media } from './media.ts'

/** Every application that `init` knows, in the order of names. A new one is an entry of one of the files beside this one. */
export const applications: readonly Application[] = [
  ...communication,
  ...documents,
  ...machineLearning,
  ...machineRoom,
  ...media,
].toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
