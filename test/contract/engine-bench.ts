import type { ContainerState, Engine } from '../../src/engine/engine.ts'

/** An engine under test, with a way to have containers in it. */
export interface EngineBench extends AsyncDisposable {
  engine: Engine
  /** A network that no container is on. */
  network: string
  /** What it says of a container whose stop is under way. */
  stateInStop: ContainerState
  /**
   * A running container of project `PROJECT`; its command ends by SIGTERM unless told otherwise. `endsSlowly`: it needs some seconds for that.
   */
  run(container: BenchContainer): Promise<{ name: string }>
}

export interface BenchContainer {
  service: string
  ignoresTerm?: boolean
  endsSlowly?: boolean
  labels?: Record<string, string>
  environment?: Record<string, string>
}
