import { posix } from 'node:path'
import type { ContainerFacts, Mount } from '../engine/engine.ts'
import { locate } from '../engine/host-paths.ts'
import { isWithin } from '../plan/mounts.ts'
import type { Evidence } from './evidence.ts'
import type { AppData } from './model.ts'

/** A target that is proposed for a container: its labels by their keys without the prefix. */
export interface WantedTarget {
  /** Tells it from the other targets of the container. The first one has none. */
  suffix: string
  labels: Record<string, string>
}

/** More databases than this in one container belong to each other, and are captured as files in one stop. */
const mostDatabases = 3

/** The targets of an application's own data, as far as its usual paths lie on mounts. */
export function knownTargets(
  container: ContainerFacts,
  data: readonly AppData[],
  evidence: Evidence | undefined,
): WantedTarget[] {
  const isMounted = (path: string) => locate(container, path) !== undefined
  return data.flatMap((one) => {
    if (one.kind === 'files') return filesTarget(one.paths.filter(isMounted), one.exclude ?? [])
    if (!isMounted(one.folder)) return []
    // Where the mount could be looked into, a missing file means that the application uses another database.
    const isAbsent = evidence && !evidence.databases.includes(one.database) && evidence.unseen.length === 0
    return isAbsent ? filesTarget([one.folder], one.exclude ?? []) : pair(one.folder, [one.database], one.exclude ?? [])
  })
}

/** The targets of a container that no table knows, from its mounts and from what lies in them. */
export function foundTargets(mounts: readonly Mount[], evidence: Evidence | undefined): WantedTarget[] {
  const paths = mounts.map(({ destination }) => destination)
  const within = (found: readonly string[] = []) => found.filter((path) => paths.some((top) => isWithin(path, top)))
  const indexes = within(evidence?.indexes)
  const databases = within(evidence?.databases).filter((path) => !indexes.some((folder) => isWithin(path, folder)))
  const hot = databases.length > mostDatabases ? [] : databases
  const rest = paths.filter((path) => !indexes.includes(path))
  const apart = [...indexes.map((folder) => [folder, '/**']), ...hot.map((path) => [path, '*'])]
  const excluded = apart.flatMap(([path = '', tail]) => {
    const top = rest.find((each) => isWithin(path, each))
    return top === undefined || top === path ? [] : [posix.relative(top, path) + tail]
  })
  return [
    ...filesTarget(
      rest.filter((path) => !hot.includes(path)),
      excluded,
    ),
    ...indexes.map((folder, index) => ({ suffix: numbered('faiss', index), labels: indexLabels(folder) })),
    ...hot.map((path, index) => databaseTarget(path, index)),
  ]
}

/** The folder without the databases in it, and each of these by SQLite's own copy. */
const pair = (folder: string, databases: string[], exclude: string[]): WantedTarget[] => [
  ...filesTarget([folder], [...databases.map((path) => `${posix.relative(folder, path)}*`), ...exclude]),
  ...databases.map(databaseTarget),
]

const filesTarget = (paths: string[], exclude: string[]): WantedTarget[] =>
  paths.length === 0
    ? []
    : [
        {
          suffix: '',
          labels: {
            method: 'files',
            paths: paths.join(','),
            ...(exclude.length > 0 && { exclude: exclude.join(',') }),
          },
        },
      ]

const databaseTarget = (path: string, index: number): WantedTarget => ({
  suffix: numbered('sqlite', index),
  labels: { method: 'sqlite', paths: path },
})

/** An index is written anew as a whole, and seldom: its copy waits until that is over. */
const indexLabels = (folder: string) => ({ method: 'files', paths: folder, schedule: 'on-change', settle: '5m' })

const numbered = (name: string, index: number): string => (index === 0 ? name : `${name}-${index + 1}`)
