import type { MethodKind } from '../labels/spec.ts'

/** A method that speaks to a server. */
export type ServerMethod = Exclude<MethodKind, 'files' | 'sqlite'>

/** One target of the container that holds an application's own data. Paths are those of its image, as commonly documented. */
export type AppData =
  | { kind: 'files'; paths: string[]; exclude?: string[] }
  /** A database file, and the folder around it, which is captured without it. */
  | { kind: 'sqlite'; database: string; folder: string; exclude?: string[] }

/** What `init` knows of a self-hosted application. docs/recipes.md is made from these. */
export interface Application {
  /** As its makers write it. */
  name: string
  /**
   * Ends of image names without tag: `immich-app/immich-server` is that image of any registry. The container whose image matches holds
   * the data.
   */
  images: string[]
  /** Absent: the databases hold all of it. */
  data?: AppData[]
  /** The kinds of server that may hold data of the application. One of each is looked for in its project. */
  databases?: ServerMethod[]
  /** Images of further containers that write the same data, as `images`. They are held while the group is captured. */
  workers?: string[]
  /** Names of services that are workers though they run the image of the application itself. */
  workerServices?: RegExp
  /** Further containers of the application with data of their own, as files. */
  beside?: { images: string[]; paths: string[] }[]
  /** A sentence on what is not backed up, or has to be known. */
  note?: string
}
