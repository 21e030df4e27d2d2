import type { ContainerFacts, Mount } from '../engine/engine.ts'

/** Folders of the machine that hold no data of a service, with all below them. */
const machine = /^\/(dev|proc|sys|run|boot|lib|lib64|usr|bin|sbin|var\/run|var\/lib\/(docker|containers))(\/|$)/
const scratch = /(^|[/_-])(cache|caches|tmp|temp)([/_-]|$)/i

/** A writable mount that is not taken for data, and why, as the end of a sentence. */
export interface LeftMount {
  destination: string
  why: string
}

/** Divides the writable mounts of a container by whether they may hold data that has to be kept. */
export function dataMounts({ mounts, project = '' }: ContainerFacts): { data: Mount[]; left: LeftMount[] } {
  const data: Mount[] = []
  const left: LeftMount[] = []
  for (const mount of mounts.filter(({ writable, kind }) => writable && kind !== 'other')) {
    const why = explain(mount, project)
    if (why === undefined) data.push(mount)
    else left.push({ destination: mount.destination, why })
  }
  return { data, left }
}

function explain({ kind, source, name = '', destination }: Mount, project: string): string | undefined {
  const isMachine = source === '/' || machine.test(source)
  if (kind === 'bind' && isMachine) return `${source} is a folder of the machine`
  const own = name.startsWith(`${project}_`) ? name.slice(project.length + 1) : name
  if (scratch.test(own) || scratch.test(destination)) return 'its name says that it can be made anew'
  return undefined
}
