import type { Engine } from '../../src/engine/engine.ts'

/** An engine under test, with a way to have containers in it. */
export interface EngineBench extends AsyncDisposable {
  engine: Engine
  /** A network that no container is on. */
  network: string
  /** A running container of project `PROJECT`; its command ends by SIGTERM unless told otherwise. */
  run(container: { service: string; ignoresTerm?: boolean; labels?: Record<string, string> }): Promise<{ name: string }>
}
