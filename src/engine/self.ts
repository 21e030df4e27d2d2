import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ContainerFacts, Engine } from './engine.ts'

/** Where a process can find the id of the container that it runs in. */
export interface Traces {
  hostname: string
  /** Content of /proc/self/mountinfo. */
  mountinfo: string
  /** Content of /run/.containerenv, which Podman fills for privileged containers. */
  containerenv: string
}

/** Finds the container that this process runs in. Answers undefined on the host, and in a container of another engine. */
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

/** Container ids, whole or short, the most reliable first. */
export function selfCandidates({ hostname, mountinfo, containerenv }: Traces): string[] {
  const recorded = /^id="([0-9a-f]{64})"$/m.exec(containerenv)?.[1]
  const mounted = mountinfo.split('\n').map(ownFileId)
  const named = isContainerId(hostname) ? hostname : undefined
  return [...new Set([recorded, ...mounted, named].filter((id) => id !== undefined))]
}

/** Whether a container has this name because it was given no other one: the short form of its id. */
export const isContainerId = (hostname: string): boolean => /^[0-9a-f]{12}$/.test(hostname)

/**
 * Finds the id in a line of mountinfo, because engines mount files of the container's own directory. Only these mount points count:
 * where the host's root is mounted, mountinfo names the directories of all other containers, too.
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
