import type { Stats } from 'node:fs'
import { lstat, readFile, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import type { ContainerFacts, Engine, Mount } from './engine.ts'

/** Finds the path under which this process reads a path of the host; undefined where no mount leads there. */
type OwnPath = (hostPath: string) => string | undefined
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
    list: async (signal) => {
      const containers = await engine.list(signal)
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

/** Symbolic links may lead through one another, as `/var/run` leads to `/run`. */
const mostLinks = 40

/**
 * Answers what a path of the host is, if it holds no data. Links are followed by hand, because they mean paths of the host and this process
 * sees the host below a folder of its own.
 */
async function readKind(source: string, ownPath: OwnPath, away: string[]): Promise<Special | undefined> {
  let path = source
  for (let links = 0; links <= mostLinks; links++) {
    const found = await firstSpecial(path, ownPath, away)
    if (!found) return undefined
    const { at, own, stats } = found
    if (!stats.isSymbolicLink()) return path === at ? specialOf(stats) : undefined
    const target = await readlink(own).catch(() => '')
    path = posix.join(posix.resolve(posix.dirname(at), target), posix.relative(at, path))
  }
  return undefined
}

/** The first component of a path that is no directory. */
async function firstSpecial(path: string, ownPath: OwnPath, away: string[]) {
  const parts = path.split('/')
  for (let count = 2; count <= parts.length; count++) {
    const at = parts.slice(0, count).join('/')
    const own = ownPath(at)
    if (own === undefined) continue
    if (away.some((mount) => own === mount || own.startsWith(`${mount}/`))) return undefined
    const stats = await lstat(own).catch(() => undefined)
    if (!stats) return undefined
    if (!stats.isDirectory()) return { at, own, stats }
  }
  return undefined
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
