import type { ContainerFacts } from '../engine/engine.ts'
import { targetName } from '../labels/names.ts'
import { namedPrefix, prefix } from '../labels/table.ts'
import { isCovered } from '../plan/covered.ts'
import type { Evidence, EvidenceOf } from './evidence.ts'
import { type Assembly, assemble } from './groups.ts'
import { identify, type Role } from './identify.ts'
import { dataMounts } from './mounts.ts'
import { serverLabels } from './servers.ts'
import { foundTargets, knownTargets, type WantedTarget } from './targets.ts'

/** Labels for a service of a compose file. */
export interface Proposal {
  service: string
  container: string
  labels: Record<string, string>
  /** Sentences on what it is and why it gets these labels. */
  why: string[]
}

/** A container that gets no labels, and why, as a sentence. */
export interface LeftOut {
  container: string
  why: string
}

export interface Proposals {
  proposals: Proposal[]
  left: LeftOut[]
}

/**
 * Proposes labels for the containers of one project that have none of ours. `covered`: places on the host that targets of today hold
 * already. No value of a variable gets into the result.
 */
export function propose(
  containers: readonly ContainerFacts[],
  evidence: EvidenceOf,
  covered: readonly string[] = [],
): Proposals {
  const roles = identify(containers, evidence)
  const assemblies = assemble(roles)
  const held = new Set(covered)
  const result: Proposals = { proposals: [], left: [] }
  const inOrder = [...roles].toSorted(([, a], [, b]) => Number(a.kind === 'unknown') - Number(b.kind === 'unknown'))
  for (const [container, role] of inOrder) {
    const mine = { container, role, evidence: evidence.get(container.id), assemblies, covered, held }
    const { labels, why } = judge(mine)
    const { service } = container
    if (Object.keys(labels).length === 0) result.left.push({ container: container.name, why: why.join(' ') })
    else if (service === undefined) result.left.push({ container: container.name, why: noService })
    else result.proposals.push({ service, container: container.name, labels, why })
  }
  result.left.sort((a, b) => (a.container < b.container ? -1 : 1))
  return result
}

const noService = 'It is no service of a compose file, so that no override reaches it; label it where it is created.'

const elsewhere = 'Another service has the labels for all that it writes.'

interface Case {
  container: ContainerFacts
  role: Role
  evidence: Evidence | undefined
  assemblies: readonly Assembly[]
  /** Places on the host that targets of today hold. */
  covered: readonly string[]
  /** These, and the sources of mounts that a proposal holds already. */
  held: Set<string>
}

interface Verdict {
  labels: Record<string, string>
  why: string[]
}

function judge(given: Case): Verdict {
  const { container, role, assemblies } = given
  const { data } = dataMounts(container)
  if (data.length > 0 && data.every((mount) => isCovered(mount, given.covered))) return { labels: {}, why: [elsewhere] }
  if (role.kind === 'unknown') return judgeUnknown(given, [])
  if (role.kind === 'application') return judgeApplication(given, role)
  if (role.kind === 'worker') return judgeWorker(container, assemblies)
  if (role.kind === 'beside') {
    const targets = knownTargets(container, [{ kind: 'files', paths: role.paths }], given.evidence)
    if (targets.length === 0) return judgeUnknown(given, [`It belongs to ${role.application.name}.`])
    return verdict(given, targets, [`It holds data of ${role.application.name}, by its image ${container.image}.`])
  }
  return judgeServer(given, role)
}

function judgeApplication(given: Case, { application }: Role & { kind: 'application' }): Verdict {
  const { container, evidence } = given
  const why = [`${application.name}, by its image ${container.image}.`, ...(application.note ? [application.note] : [])]
  if (!application.data) return { labels: {}, why: [...why, 'Its databases hold all of its data.'] }
  const targets = knownTargets(container, application.data, evidence)
  if (targets.length > 0) return verdict(given, targets, why)
  return judgeUnknown(given, [...why, 'None of its usual paths lies on a mount.'])
}

function judgeServer(given: Case, { server }: Role & { kind: 'server' }): Verdict {
  const { container, assemblies } = given
  const { method, by } = server
  const user = assemblies.find(({ caches }) => caches.includes(container))
  if (user) {
    const why = `A cache of ${user.application.name}, which keeps nothing in it that a restore needs.`
    return { labels: { [`${prefix}enable`]: 'false' }, why: [why] }
  }
  return verdict(
    given,
    [{ suffix: '', labels: serverLabels(container, method) }],
    [`A server for ${method}, by ${by}.`],
  )
}

function judgeWorker(container: ContainerFacts, assemblies: readonly Assembly[]): Verdict {
  const assembly = assemblies.find(({ workers }) => workers.includes(container))
  const group = assembly && groupOf(assembly, assemblies)
  if (group === undefined) return { labels: {}, why: ['It has no data of its own.'] }
  const why = `It writes data of ${assembly?.application.name}, and is held while that is captured.`
  return { labels: { [`${prefix}group-writer`]: group }, why: [why] }
}

function judgeUnknown(given: Case, before: string[]): Verdict {
  const { container, evidence, held } = given
  const { data, left } = dataMounts(container)
  const free = data.filter((mount) => !isCovered(mount, [...held]))
  const targets = foundTargets(free, evidence)
  const skipped = left.map(({ destination, why }) => `${destination} is left out: ${why}.`)
  if (targets.length === 0) {
    const shared = data.length > 0 ? elsewhere : 'It has no data of its own.'
    return { labels: {}, why: [...before, shared, ...skipped] }
  }
  const unseen = evidence && evidence.unseen.length === 0 ? [] : ['Its mounts could not be looked into.']
  const found = targets.map(({ labels }) => `${labels.paths} by the method ${labels.method}`).join('; ')
  return verdict(given, targets, [...before, `Found on its mounts: ${found}.`, ...unseen, ...skipped])
}

/** Marks what the targets hold, and writes their labels. Containers that write the same are held by the labels of one of them. */
function verdict({ container, assemblies, held }: Case, targets: WantedTarget[], why: string[]): Verdict {
  for (const { source } of dataMounts(container).data) held.add(source)
  const assembly = assemblies.find(
    ({ main, servers, beside }) => main === container || servers.includes(container) || beside.includes(container),
  )
  const group = assembly && groupOf(assembly, assemblies)
  const labels: Record<string, string> = { [`${prefix}enable`]: 'true' }
  for (const { suffix, labels: own } of targets) {
    const base = targets.length === 1 ? prefix : `${namedPrefix}${nameOf(container, suffix)}.`
    for (const [key, value] of Object.entries({ ...own, ...(group !== undefined && { group }) }))
      labels[base + key] = value
  }
  return { labels, why }
}

/** A name that is valid for a target, from that of the service. */
function nameOf({ service, name }: ContainerFacts, suffix: string): string {
  const whole = suffix === '' ? (service ?? name) : `${service ?? name}-${suffix}`
  const parsed = targetName.parse(whole)
  return 'value' in parsed ? parsed.value : (parsed.suggestion ?? whole)
}

/** The group of an application of several parts. Two of the same application in one project have a group each. */
function groupOf(assembly: Assembly, all: readonly Assembly[]): string | undefined {
  const { application, main, servers, beside, workers } = assembly
  const parts = servers.length + beside.length + (application.data ? 1 : 0)
  if (parts < 2 && workers.length === 0) return undefined
  const isAlone = all.filter((one) => one.application === application).length === 1
  const slug = application.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return isAlone ? slug : nameOf(main, slug)
}
