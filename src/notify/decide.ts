import type { Run } from '../catalog/catalog.ts'
import { targetKeyOf } from '../plan/plan.ts'
import { type Condition, judge, type Present } from './conditions.ts'
import type { Beat, Item, Message } from './message.ts'
import { lineOf } from './message.ts'
import { notesOf } from './notes.ts'
import { markTold, mergeOpen, newsOf } from './settle.ts'
import { emptyState, type NoticeState } from './state.ts'

/** Everything that a decision rests on. */
export interface NotifyInput extends Present {
  /** The compose project, or the machine, as messages name it. */
  stack: string
  /** Runs whose begin or end no decision has seen. */
  runs: Run[]
  /** Whether a run is queued or works: what it will say is waited for, so that one night makes one message. */
  isBusy: boolean
  /** Whether the controller before this one has died. Said to one decision. */
  hasCrashed: boolean
  /** A UUID for what is told. */
  id: string
}

export interface Decision {
  state: NoticeState
  /** The runs that need not be shown again. */
  seen: Run[]
  message?: Message
  beat?: Beat
}

/** What is to be told does not wait longer than that for runs that go on. */
const patienceMs = 15 * 60_000
/** Heartbeat services are told at least so often that all is well, where no run tells it. */
const beatMs = 86_400_000

/**
 * Decides what is told now: one message for everything that has changed since the last one, and a heartbeat for runs. `before` is
 * undefined at the very first decision, which tells nothing of runs that are over.
 */
export function decide(before: NoticeState | undefined, input: NotifyInput): Decision {
  const { now, runs, report } = input
  const past = before ?? emptyState
  const open = mergeOpen(past.open, judge(input, past.known), now)
  const news = newsOf(open, now)
  const ended = before ? runs.filter(({ outcome }) => outcome !== undefined) : []
  const begun = runs.filter((run) => !ended.includes(run))
  const { notes, shrunk } = notesOf({ ...input, runs: ended, told: past.shrunk })
  const oldest = Math.min(...news.map(({ since }) => Date.parse(since)), ...ended.map(endOf))
  const known = knownAfter(past.known, input)
  const gone = news.flatMap(({ item }) => (item.event === 'vanished' ? [`${item.project}/${item.target}`] : []))
  if (input.isBusy && now.getTime() - oldest < patienceMs && !input.hasCrashed) {
    const beat = startBeat(past, begun, input)
    return { state: withBeat({ ...past, known, open }, beat), seen: begun, ...(beat && { beat }) }
  }
  const items = [...news.map(({ item }) => item), ...notes]
  const told = markTold(
    open,
    news.map(({ key }) => key),
  )
  const after = forget({ ...past, known, shrunk, open: told }, gone)
  const message = messageOf(items, input)
  const beat = endBeat(after, { ended, items }, input) ?? startBeat(past, begun, input)
  const state = report || input.engineFault ? withBeat(after, beat) : past
  return { state, seen: runs, ...(message && { message }), ...(beat && { beat }) }
}

const endOf = ({ finished, started }: Run): number => Date.parse(finished ?? started)

/** Targets stay known while they are gone, until that was told. */
function knownAfter(known: string[], { report, engineFault }: Present): string[] {
  if (!report || engineFault) return known
  return [...new Set([...known, ...report.targets.map(targetKeyOf)])].toSorted()
}

/** Nothing more is told of targets that are gone. */
function forget({ known, open, ...state }: NoticeState, gone: string[]): NoticeState {
  const isGone = ({ project, target }: Condition) => gone.includes(`${project}/${target}`)
  const rest = Object.fromEntries(Object.entries(open).filter(([, each]) => !isGone(each)))
  return { ...state, known: known.filter((key) => !gone.includes(key)), open: rest }
}

function messageOf(items: Item[], { id, now, stack }: NotifyInput): Message | undefined {
  return items.length === 0 ? undefined : { kind: 'message', id, time: now.toISOString(), stack, items }
}

/** A run that began while one is known to go on says nothing new. */
function startBeat({ beat }: NoticeState, begun: Run[], { id, now, isBusy }: NotifyInput): Beat | undefined {
  if (!isBusy || beat?.state === 'start' || begun.every(({ kind }) => kind !== 'backup')) return undefined
  return { kind: 'beat', id, time: now.toISOString(), state: 'start', summary: 'a backup has begun' }
}

/** Told after runs, when all that is well is not any more or is again, and once a day. */
function endBeat(
  { open, beat }: NoticeState,
  { ended, items }: { ended: Run[]; items: Item[] },
  { id, now, isBusy }: NotifyInput,
): Beat | undefined {
  const wrong = Object.values(open).filter(({ told }) => told)
  const state = wrong.some(({ level }) => level === 'error') ? 'fail' : 'success'
  const isDue = !beat || now.getTime() - Date.parse(beat.time) >= beatMs
  if (ended.length === 0 && (isBusy || (beat?.state === state && !isDue))) return undefined
  const lines = [...wrong.map(describeWrong), ...items.filter(({ state }) => state !== 'began').map(lineOf)]
  const summary = lines.length === 0 ? 'every backup is as it should be' : lines.join('\n')
  return { kind: 'beat', id, time: now.toISOString(), state, summary, ...secondsOf(ended) }
}

const describeWrong = (condition: Condition): string => lineOf({ ...condition, state: 'began' })

function secondsOf(ended: Run[]): { seconds?: number } {
  if (ended.length === 0) return {}
  const began = Math.min(...ended.map(({ started }) => Date.parse(started)))
  return { seconds: Math.max(0, (Math.max(...ended.map(endOf)) - began) / 1000) }
}

const withBeat = (state: NoticeState, beat: Beat | undefined): NoticeState =>
  beat ? { ...state, beat: { state: beat.state, time: beat.time } } : state
