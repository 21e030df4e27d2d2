import type { ServerMethod } from './model.ts'

/** What a look into the writable mounts of a container has shown. All paths are those in the container. */
export interface Evidence {
  /** Folders at the top of a mount that hold the data of a server. */
  servers: { method: ServerMethod; path: string }[]
  /** Files that are SQLite databases. */
  databases: string[]
  /** Folders that hold FAISS indexes. */
  indexes: string[]
  /** Mounts that could not be looked into. */
  unseen: string[]
}

/** By the id of the container. */
export type EvidenceOf = ReadonlyMap<string, Evidence>
