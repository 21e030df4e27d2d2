import type { ContainerFacts } from '../engine/engine.ts'
import { locate } from '../engine/host-paths.ts'
import { quote } from './quote.ts'

/** Lines that stop containers in this order. One of a systemd unit is stopped by its unit. */
export const stopLines = (containers: readonly ContainerFacts[]): string[] =>
  containers.map((one) => actLine(one, 'stop'))

/** Lines that start them in the reverse order. */
export const startLines = (containers: readonly ContainerFacts[]): string[] =>
  containers.map((one) => actLine(one, 'start')).toReversed()

const actLine = ({ engine, name, unit }: ContainerFacts, verb: 'stop' | 'start'): string =>
  unit === undefined ? `${engine} ${verb} ${quote(name)}` : `systemctl ${verb} ${quote(unit)}`

/** The place of a container path on the host, as a word of the shell. A volume is asked for its place, because a new machine has another. */
export function placeOf(container: ContainerFacts, path: string): string {
  const found = locate(container, path)
  if (!found) return quote(path)
  const { mount, hostPath } = found
  if (mount.kind !== 'volume' || mount.name === undefined) return quote(hostPath)
  const below = hostPath.slice(mount.source.length)
  const volume = `"$(${container.engine} volume inspect --format '{{.Mountpoint}}' ${quote(mount.name)})"`
  return below === '' ? volume : volume + quote(below)
}

/** The begin of a line that runs a shell script in a container, with standard input. */
export const inside = ({ engine, name }: ContainerFacts, script: string): string =>
  `${engine} exec -i ${quote(name)} sh -c ${quote(script)}`
