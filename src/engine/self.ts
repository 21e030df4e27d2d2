import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ContainerFacts, Engine } from './engine.ts'

/** What a container tells its processes about itself. */
export interface Traces {
  hostname: string
  /** /proc/self/mountinfo */
  mountinfo: string
  /** /run/.containerenv, which Podman fills for privileged containers. */
  containerenv: string
}

/** The container this process runs in, as `engine` knows it; undefined on the host and in a container of another engine. */
export async function findSelf(
  engine: Pick<Engine, 'inspect'>,
  signal: AbortSignal,
  traces?: Traces,
): Promise<ContainerFacts | undefined> {
  for (const candidate of selfCandidates(traces ?? (await readTraces()))) {
    const facts = await engine.inspect(candidate, signal)
    if (facts?.id.startsWith(candidate) && facts.state === 'running') return facts
  }
  return undefined
}

/** Container ids, whole or short, the surest first. */
export function selfCandidates({ hostname, mountinfo, containerenv }: Traces): string[] {
  const noted = /^id="([0-9a-f]{64})"$/m.exec(containerenv)?.[1]
  const mounted = mountinfo.split('\n').map(ownFileId)
  const named = /^[0-9a-f]{12}$/.test(hostname) ? hostname : undefined
  return [...new Set([noted, ...mounted, named].filter((id) => id !== undefined))]
}

/**
 * Engines mount files of the container's own directory. Only these mount points count: where the host's root is mounted,
 * the directories of all other containers stand in mountinfo too.
 */
function ownFileId(line: string): string | undefined {
  const [, , , root = '', mountPoint = ''] = line.split(' ')
  if (!['/etc/hostname', '/etc/hosts', '/etc/resolv.conf', '/run/.containerenv'].includes(mountPoint)) return undefined
  return /\/([0-9a-f]{64})\//.exec(root)?.[1]
}

async function readTraces(): Promise<Traces> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  return {
    hostname: hostname(),
    mountinfo: await read('/proc/self/mountinfo'),
    containerenv: await read('/run/.containerenv'),
  }
}
