import { join } from 'node:path'
import type { ResumeIntent } from '../../../src/catalog/catalog.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { currentPlan } from '../../../src/job/current-plan.ts'
import { refOf } from '../../../src/job/service.ts'
import { addStack, openPlayer, type Player, type StackLabels } from './stack.ts'
import { writeTwins } from './twin-files.ts'

/** The stack with which a play begins. */
export interface Setting {
  labels?: StackLabels
  /** What a dead process left: a backup of `app` in its window, or a restore of `base` in its middle. */
  dead?: 'backup' | 'restore'
  /** Whether there are newer snapshots too, so that retention may remove the oldest ones. */
  backsUpTwice?: true
}

const never = new AbortController().signal

/** Makes the stack, backs it up while the data says `wanted`, and lets the data say `present`. */
export async function prepare({ labels, dead, backsUpTwice }: Setting, folder: string): Promise<void> {
  using player = openPlayer(folder)
  addStack(player.parts.engine, folder, labels)
  await backUp(player)
  for (const name of ['a', 'b']) writeTwins(join(folder, name), 'present')
  if (backsUpTwice) await backUp(player)
  if (dead === 'backup') await leave(player, ['app', 'peer'])
  if (dead === 'restore') await leaveRestore(player, folder)
}

async function backUp({ parts }: Player) {
  const { targets } = (await currentPlan(parts, never)).plan
  return (await runBackup(parts, targets, { reason: 'manual' }, never)).targets
}

/** Stops containers as a run does that dies before it starts them again. */
async function leave({ parts }: Player, names: string[]): Promise<void> {
  for (const container of await parts.engine.list(never)) {
    if (!names.includes(container.name)) continue
    const { startedAt = '' } = container
    const intent: ResumeIntent = {
      kind: 'resume',
      how: 'start',
      container: refOf(container),
      startTimeoutSeconds: 5,
      startedAt,
    }
    parts.catalog.addIntent(intent)
    await parts.engine.stop(container.id, 1, never)
  }
}

async function leaveRestore(player: Player, folder: string): Promise<void> {
  const [repository] = player.parts.repositories.values()
  const [wanted] = (await repository?.list(never))?.filter(({ target }) => target === 'base') ?? []
  const present = (await backUp(player)).find(({ target }) => target === 'base')
  await leave(player, ['base', 'peer', 'web'])
  const ref = (id = '') => ({ tier: 'local' as const, id })
  const what = { snapshot: ref(wanted?.id), safety: ref(present?.snapshot) }
  player.parts.catalog.addIntent({ kind: 'roll-back', project: 'shop', target: 'base', ...what, absent: [] })
  writeTwins(join(folder, 'b'), 'half')
}
