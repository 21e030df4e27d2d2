import type { ContainerFacts } from '../../engine/engine.ts'
import { BackupError } from '../../errors.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { gatherEvidence } from '../../job/evidence/gather.ts'
import { coveredPlaces, unlabelled } from '../../plan/covered.ts'
import { keepAcceptable } from '../../recipes/acceptable.ts'
import { type Proposals, propose } from '../../recipes/propose.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderOverride } from '../render/override.ts'

export const initCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('init')
      .description(
        'look at the running stack and print a compose override with the labels it proposes; changes nothing',
      )
      .option('--project <NAME>', 'the compose project; needed where there are several')
      .option('--json', 'one JSON document')
      .action(({ project }: { project?: string }) => choose((session) => proposeLabels(session, project))),
}

async function proposeLabels({ parts, signal }: Session, wanted: string | undefined): Promise<Answer> {
  const settings = { ...parts.settings, ...(wanted !== undefined && { project: wanted }) }
  const { plan, containers } = await currentPlan({ ...parts, settings }, signal)
  const bare = unlabelled(containers, settings)
  const project = onlyProject(bare, settings.project)
  const evidence = await gatherEvidence(parts, bare, signal)
  const proposed = propose(bare, evidence, coveredPlaces(plan))
  const proposals = keepAcceptable(proposed, containers, settings, parts.methods)
  return {
    document: { project: project ?? null, ...proposals },
    text: renderOverride(oncePerService(proposals), project),
    outcome: 'complete',
  }
}

/** An override belongs to one project. Containers of none are told of beside it. Throws USAGE where there are several. */
function onlyProject(containers: ContainerFacts[], configured: string | undefined): string | undefined {
  if (configured !== undefined) return configured
  const [only, ...others] = [...new Set(containers.flatMap(({ project }) => project ?? []))].toSorted()
  if (others.length === 0) return only
  throw new BackupError('USAGE', `there are several compose projects: ${[only, ...others].join(', ')}`, {
    hint: 'Name one of them: xnai-backup init --project NAME.',
  })
}

/** Containers of one service get the same labels. */
const oncePerService = ({ proposals, left }: Proposals): Proposals => ({
  proposals: proposals.filter(
    ({ service }, index) => proposals.findIndex((other) => other.service === service) === index,
  ),
  left,
})
