import type { Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ContainerFacts, Engine, Mount } from './engine.ts'
import { followLinks, type OwnPath } from './follow-links.ts'

type Special = NonNullable<Mount['special']>

/**
 * The engine, whose answers also say which bind mounts are sockets or devices: those hold no data. No engine tells this, so each source
 * is looked at once per start of its container. A source that cannot be seen from here counts as a directory. One on a network file
 * system is not looked at, because a server that is away would hold up every pass.
 */
export function knowingSources(engine: Engine, ownPath: OwnPath): Engine {
  let known = new Map<string, Special | undefined>()
  const mark = async (facts: ContainerFacts, seen: typeof known, away: string[]): Promise<ContainerFacts> => {
    const markMount = async (mount: Mount): Promise<Mount> => {
      if (mount.kind !== 'bind') return mount
      const key = [facts.id, facts.startedAt, mount.source].join(' ')
      const special = known.has(key) ? known.get(key) : await readKind(mount.source, ownPath, away)
      seen.set(key, special)
      return special ? { ...mount, kind: 'other', special } : mount
    }
    return { ...facts, mounts: await Promise.all(facts.mounts.map(markMount)) }
  }
  return {
    ...engine,
    list: async (signal, options) => {
      const containers = await engine.list(signal, options)
      const seen: typeof known = new Map()
      const away = await networkMounts()
      const marked = await Promise.all(containers.map((facts) => mark(facts, seen, away)))
      known = seen
      return marked
    },
    inspect: async (id, signal) => {
      const facts = await engine.inspect(id, signal)
      return facts && (await mark(facts, new Map(), await networkMounts()))
    },
  }
}

/** Answers what a path of the host is, if it holds no data. */
async function readKind(source: string, ownPath: OwnPath, away: string[]): Promise<Special | undefined> {
  const followed = await followLinks(source, ownPath, away)
  return followed?.stats && specialOf(followed.stats)
}

function specialOf(stats: Stats): Special | undefined {
  if (stats.isSocket()) return 'socket'
  return stats.isFIFO() || stats.isCharacterDevice() || stats.isBlockDevice() ? 'device' : undefined
}

/** Mount points of this process whose server may be away. The kernel writes a space in a path as `\040`. */
async function networkMounts(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  return lines.flatMap((line) => {
    const [place = '', origin = ''] = line.split(' - ')
    if (!network.test(origin)) return []
    const path = place.split(' ')[4] ?? ''
    return [path.replaceAll(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))]
  })
}

const network = /^(nfs|cifs|smb|9p|ceph|glusterfs|lustre|afs|autofs|fuse)/
