import { resolve } from 'node:path/posix'
import type { ContainerFacts } from '../../engine/engine.ts'

/** The storage path that the server's own variable names, or the one of the official image. */
export function storageOf({ environment }: ContainerFacts): string {
  return resolve('/qdrant', environment.get('QDRANT__STORAGE__STORAGE_PATH') || 'storage')
}
