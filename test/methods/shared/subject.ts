import { expect } from 'vitest'
import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import type { MethodKind } from '../../../src/labels/spec.ts'
import { backedUp, type Story } from '../../support/story.ts'

/** A kind of service that keeps numbers, backed up by one method: what `sharedFailures` needs to know of it. */
export interface Subject {
  method: MethodKind
  /** The moments of interrupted.ts that lie in the middle of its restore. */
  moments: Moment[]
  fullDisk: FullDisk
  drill: DrillFailures
  /**
   * Damages the data, of which `data` is the folder on the host, so that the service does not start. Absent: a test of its own does.
   */
  damage?(data: string): Promise<unknown>
  start(story: Story, options: SubjectOptions): Promise<Service>
}

/** The checks by which a drill fails on the words of a snapshot with three numbers and other bytes. */
export interface DrillFailures {
  /** The bytes of another database, folder or key space: one without any number. Absent where the words lie in the bytes. */
  other?: (string | RegExp)[]
  /** The bytes of two numbers: a row is missing. */
  short?: (string | RegExp)[]
  /** Name of the artifact that holds the words of the method. Absent: they are facts of the snapshot. */
  words?: string
}

/** When interrupted.ts sends its signal during a restore. */
export type Moment = 'replace' | 'replace again' | 'start'

/** How the service and its restore meet a full disk. */
export interface FullDisk {
  /** Megabytes of the file system under the service's data. */
  size: number
  /** Megabytes that are free when it is full. */
  left: number
  /** Whether a backup succeeds all the same. */
  isReadable: boolean
  /** What the hint of the refused restore must match. */
  hint: RegExp
  /** Writes some megabytes, all of them as numbers. */
  load(service: Service): Promise<unknown>
  /** Removes what was backed up, where the restore would reuse its space otherwise. */
  lose?(service: Service): Promise<unknown>
  /** Resolves when the server has noticed that its disk is full. Default: it needs no notice. */
  notice?(service: Service): Promise<unknown>
  /** The restore meets the full disk while it replaces the data, and is rolled back. Default: it is refused before. */
  isFoundLate?: boolean
  /** The service must take writes on the full disk, as it did before the restore was tried. */
  takesWrites?: boolean
}

export interface SubjectOptions extends Partial<Omit<LabService, 'name' | 'volumes'>> {
  name: string
  /** Labels of the target without their prefix. */
  labels?: Record<string, string>
  /** Volume name or path on the host. Default: a volume of the service's name. */
  data?: string
}

/** A subject that runs and answers. */
export interface Service extends LabContainer {
  /** Adds numbers. */
  add(...numbers: number[]): Promise<void>
  /** All numbers that it has, in order. */
  numbers(): Promise<number[]>
  /** What the product made in it and did not remove, a name a line; it must be empty after every run. */
  leftovers(): Promise<string>
}

/** A command that does nothing and ends at once on SIGTERM. */
export const idle = ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait']

/** Asks a running service for its numbers and the like; `serve` makes a `Service` of it. */
export interface Answers extends Pick<Service, 'leftovers'> {
  add(numbers: number[]): Promise<unknown>
  /** One a line, in any order. */
  numbers(): Promise<string>
}

/** Starts a container of the services image with its data at `place`. */
export function runSubject(
  { lab }: Story,
  method: MethodKind,
  place: string,
  { data, labels, ...service }: SubjectOptions,
): Promise<LabContainer> {
  const volumes = [`${data ?? `${lab.project}-${service.name}`}:${place}`]
  return lab.run({ ...service, volumes, labels: backedUp(method, labels) })
}

/** Resolves when the service answers. */
export async function serve(container: LabContainer, { add, numbers, leftovers }: Answers): Promise<Service> {
  const read = async () => {
    const lines = (await numbers()).split('\n').filter((line) => line !== '')
    return lines.map(Number).toSorted((a, b) => a - b)
  }
  await eventually(async () => (await read()) !== undefined, 60, `${container.name} answers`)
  return { ...container, leftovers, add: async (...more) => void (await add(more)), numbers: read }
}

/** Files below `folder` that bear the product's name. */
export const ourFiles = ({ exec }: LabContainer, folder: string): Promise<string> =>
  exec(['find', folder, '-name', '*xnai*'])

/** Runs a shell script in the service's container. */
export const shell = (script: string) => (service: Service) => service.exec(['sh', '-c', script])

/** The integers from 10 on, which no test adds by itself. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 10)

/** The folder of the lab's containers on the host that is mounted at `destination`. */
export async function hostPath(lab: Lab, { name }: LabContainer, destination: string): Promise<string> {
  const { Mounts } = await lab.inspect(name)
  const source = Mounts.find((mount) => mount.Destination === destination)?.Source
  expect(source, `${name} has a mount at ${destination}`).toBeTypeOf('string')
  return source as string
}
