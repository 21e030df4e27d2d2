import type { ErrorCode, ErrorReport } from '../errors.ts'
import { targetKeyOf } from '../plan/plan.ts'
import { hasFailed, type StatusReport, type TargetStatus } from '../report/status.ts'
import { type EventName, events } from './events.ts'
import type { Item } from './message.ts'
import { roughly } from './roughly.ts'

/** Something that is wrong at the moment, and lasts until it is not. `key` tells it apart from others. */
export interface Condition extends Omit<Item, 'state'> {
  key: string
}

/** What is known at the moment. */
export interface Present {
  now: Date
  /** Absent where the stack was never listed. */
  report?: StatusReport | undefined
  /** Why the containers cannot be listed. The report is an older one then. */
  engineFault?: ErrorReport | undefined
}

/** What of it is wrong. `judges` is false for what nothing can be said of now: what was known of it stays. */
export interface Judgement {
  conditions: Condition[]
  judges: (condition: Condition) => boolean
}

/** What a listing of the local repository is needed for, and what one of all repositories. */
const fromLocal: EventName[] = ['objective', 'damaged', 'remote']
const fromAll: EventName[] = ['disk']

/** `known`: the keys of the targets that have been seen. */
export function judge({ now, report, engineFault }: Present, known: string[]): Judgement {
  if (!report || engineFault) {
    const engine = engineFault ? [stackWide('engine', 'the containers cannot be listed', engineFault)] : []
    return { conditions: engine, judges: ({ event }) => event === 'engine' }
  }
  const isLocal = report.repositories.every(({ tier, ok }) => ok || tier !== 'local')
  const isAll = report.repositories.every(({ ok }) => ok)
  const conditions = [
    ...report.targets.flatMap((target) => ofTarget(target, now)),
    ...ofRepositories(report),
    ...ofStack(report, known),
  ]
  const isKnown = ({ event }: Condition) =>
    (isLocal || !fromLocal.includes(event)) && (isAll || !fromAll.includes(event))
  const judges = (condition: Condition) => isKnown(condition) && isObserved(condition, report)
  return { conditions: conditions.filter(isKnown), judges }
}

/** Nothing is known of how a target is that is gone, and of one that labels have broken only that it is. */
function isObserved({ event, project, target, key }: Condition, { targets }: StatusReport): boolean {
  if (target === undefined || event === 'vanished') return true
  const present = targets.find((each) => each.project === project && each.target === target)
  if (!present) return false
  if (key === slowKey(present)) return isTimed(present)
  return present.method !== null || event === 'broken'
}

const slowKey = (target: TargetStatus): string => `rto ${targetKeyOf(target)}`

/** A drill that has verified nothing has no time that could be too long. That it failed is told by itself. */
const isTimed = ({ lastVerdict }: TargetStatus): boolean => lastVerdict === 'verified'

function ofTarget(target: TargetStatus, now: Date): Condition[] {
  const of = (event: EventName, text: string, hint?: string): Condition => ({
    key: `${event} ${targetKeyOf(target)}`,
    event,
    level: events[event].level,
    project: target.project,
    target: target.target,
    text,
    ...(hint !== undefined && { hint }),
  })
  const { lastRun, damaged, method, problems } = target
  const { error } = lastRun ?? {}
  const found: Condition[] = []
  // An operator who cancels a run knows of it.
  if (hasFailed(target) && error?.code !== 'CANCELLED')
    found.push(of('failed', error ? `the backup failed: ${error.message}` : 'the backup is incomplete', error?.hint))
  if (missesObjective(target, now)) found.push(of('objective', describeAge(target)))
  if (target.rtoMet === false && isTimed(target))
    found.push({ ...of('objective', describeSlow(target)), key: slowKey(target) })
  const drillHint = `Drill it again: xnai-backup verify ${targetKeyOf(target)}.`
  if (target.lastVerdict === 'failed') found.push(of('drill', 'the last drill failed', drillHint))
  if (target.lastVerdict === 'could not run') found.push(of('undrilled', 'the last drill could not run', drillHint))
  if (damaged !== null) {
    const hint = `Make a new one: xnai-backup backup ${targetKeyOf(target)}.`
    found.push(of('damaged', `the newest backup is damaged: ${damaged}`, hint))
  }
  // A target without a method is one that labels have broken.
  const [first] = method === null ? problems : []
  if (first)
    found.push(of('broken', `is not backed up: ${first.label}: ${first.reason}`, 'xnai-backup plan shows its labels.'))
  return found
}

/** A target that is new has until its objective to be backed up for the first time. */
function missesObjective({ rpoMet, lastSuccess, firstSeen, rpoSeconds }: TargetStatus, now: Date): boolean {
  if (rpoMet !== false || rpoSeconds === null) return false
  const since = lastSuccess ?? firstSeen
  return since !== null && now.getTime() - Date.parse(since) > rpoSeconds * 1000
}

function describeAge({ lastSuccess, ageSeconds, rpoSeconds }: TargetStatus): string {
  const allowed = roughly(rpoSeconds ?? 0)
  if (lastSuccess === null)
    return `the objective is missed: there is no backup yet, and there has to be one every ${allowed}`
  return `the objective is missed: the newest backup is ${roughly(ageSeconds ?? 0)} old, and may be ${allowed}`
}

function describeSlow({ drillSeconds, rtoSeconds }: TargetStatus): string {
  const [took, allowed] = [roughly(drillSeconds ?? 0), roughly(rtoSeconds ?? 0)]
  return `the objective is missed: the last drill took ${took}, and may take ${allowed}`
}

function ofRepositories({ repositories }: StatusReport): Condition[] {
  return repositories.flatMap(({ tier, error, problems }) => [
    ...(error ? [stackWide('repository', `the ${tier} repository cannot be used`, error, tier)] : []),
    ...problems.flatMap((problem) => ofProblem(tier, problem)),
  ])
}

/** What waits for the remote repository is told by its target, which the message begins with. */
function ofProblem(tier: string, { code, message, hint }: ErrorReport): Condition[] {
  const part = code === 'REPLICATION_LATE' ? (message.split(': ')[0] ?? tier) : tier
  const told: Partial<Record<ErrorCode, EventName>> = { NO_SPACE: 'disk', REPLICATION_LATE: 'remote' }
  const event = told[code]
  return event ? [{ ...stackWide(event, message, undefined, part), hint }] : []
}

function ofStack({ targets, prune }: StatusReport, known: string[]): Condition[] {
  const present = targets.map(targetKeyOf)
  const vanished = known.filter((key) => !present.includes(key)).map(describeVanished)
  if (prune?.error) vanished.push(stackWide('prune', 'old snapshots could not be removed', prune.error))
  if (targets.length > 0) return vanished
  return [...vanished, { ...stackWide('nothing', 'there is nothing to back up at all'), hint: nothingHint }]
}

const nothingHint = 'Give a service the label xnai.backup.enable: "true", and look at xnai-backup plan.'

function describeVanished(key: string): Condition {
  const at = key.lastIndexOf('/')
  const [project, target] = [key.slice(0, at), key.slice(at + 1)]
  const text = 'the target is gone: no container has its labels any more'
  const hint = 'Its snapshots stay. If that is meant, nothing need be done.'
  return { key: `vanished ${key}`, event: 'vanished', level: events.vanished.level, project, target, text, hint }
}

function stackWide(event: EventName, text: string, error?: ErrorReport, part = ''): Condition {
  const why = error ? { text: `${text}: ${error.message}`, hint: error.hint } : { text }
  return { key: `${event} ${part}`.trim(), event, level: events[event].level, ...why }
}
