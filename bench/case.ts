import type { Cost } from './meter.ts'
import type { World } from './world.ts'

/** One row of the table: a work of ours, and what it is compared with. */
export interface Case {
  /** Unique; the command line takes it. */
  name: string
  /** The peer, in words. `–` where a figure is compared with a limit alone. */
  against: string
  /** Ours may take this many times as long as the peer, after `plusSeconds` are taken off. */
  atMost: number
  /** Default 0. */
  plusSeconds?: number
  /** Makes what both need. It is called once, and what it answers is disposed after the last pair. */
  prepare(world: World): Promise<Pair>
}

/** Both measure themselves, so that what they clean up does not count. */
export interface Pair extends AsyncDisposable {
  ours(round: number): Promise<Cost>
  peer(round: number): Promise<Cost>
  /** Brings the data into the state that both works of a round begin with. */
  before?(round: number): Promise<void>
}

/** A figure of ours alone. */
export interface Figure {
  name: string
  unit: string
  atMost: number
  /** One value for each name of a row: `{ 'pass over 500 containers': 0.4 }`. */
  measure(world: World): Promise<number>
}
