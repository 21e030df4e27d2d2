import { readCompose } from './compose-labels.ts'
import { type Connection, libpod } from './connection.ts'
import type { ContainerFacts } from './engine.ts'
import { qualifyImage, readHealth, states } from './facts.ts'

/** A row of the list of containers, as far as it is read. Any field but the id may be missing. */
export interface ListedContainer {
  Id: string
  Names?: string[] | null
  Image?: string
  ImageID?: string
  Labels?: Record<string, string> | null
  State?: string
}

/** A row of libpod's list. Every start gives it another process or another second. */
export interface LibpodRow extends ListedContainer {
  /** Seconds since 1970; of a container that was never started, a time in the year 1. */
  StartedAt?: number
  /** The health. */
  Status?: string
  /** Names, in an order that changes from call to call. */
  Networks?: string[] | null
}

/** `libpod` is absent where the engine is not Podman, or cannot answer that list as a whole. */
export type Rows = { libpod: LibpodRow[] } | { docker: ListedContainer[] }

/** Lists the containers in every state. Podman needs half as long for libpod's list as for that of the Docker API, which says less. */
export async function readRows(connection: Connection, signal: AbortSignal): Promise<Rows> {
  const request = { what: 'list containers', signal }
  const answer = await connection.request([404, 500], request, 'GET', libpod('/containers/json?all=true'))
  if (answer !== undefined) return { libpod: answer as LibpodRow[] }
  return {
    docker: await connection.call(request, (abortSignal) =>
      connection.docker.listContainers({ all: true, abortSignal }),
    ),
  }
}

/** Makes the facts of a container that cannot be inspected from its row in the list of containers. */
export function toUnreadable(
  row: ListedContainer,
  more: Pick<ContainerFacts, 'engine' | 'unreadable'>,
): ContainerFacts {
  const labels = row.Labels ?? {}
  return {
    id: row.Id,
    name: nameOf(row),
    ...readCompose(labels),
    image: qualifyImage(row.Image ?? ''),
    imageId: row.ImageID ? `sha256:${row.ImageID.replace(/^sha256:/, '')}` : '',
    labels,
    state: states[row.State ?? ''] ?? 'running',
    health: 'none',
    exitCode: 0,
    user: '',
    environment: new Map(),
    mounts: [],
    networks: [],
    requires: [],
    ...more,
  }
}

const nameOf = ({ Id, Names }: ListedContainer): string => (Names?.[0] ?? Id).replace(/^\//, '')

/** Whether a container was inspected in the state in which its row shows it. */
export function isOf(row: LibpodRow, facts: ContainerFacts): boolean {
  const started = facts.startedAt === undefined ? undefined : Math.floor(Date.parse(facts.startedAt) / 1000)
  return (
    facts.name === nameOf(row) &&
    facts.state === states[row.State ?? ''] &&
    facts.health === readHealth(row.Status) &&
    (started === undefined ? (row.StartedAt ?? 0) <= 0 : started === row.StartedAt) &&
    sorted(facts.networks.map(({ name }) => name)).join() === sorted(row.Networks).join()
  )
}

/** The whole row as text, so that a change of any field shows in it, also of one that is not known here. */
export const describeRow = (row: LibpodRow): string => JSON.stringify({ ...row, Networks: sorted(row.Networks) })

const sorted = (names: string[] | null | undefined): string[] => (names ?? []).toSorted()
