import type { RepositoryConfig } from '../../config/config.ts'
import { locate } from '../../engine/host-paths.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { captureTier, repositoryOf } from '../../job/repositories.ts'
import { controllersOf } from '../../plan/scope.ts'
import type { Snapshot } from '../../repository/repository.ts'
import { parseAddress } from '../../repository/restic/address.ts'
import type { RepositoryPlace } from '../../runbook/model.ts'
import { writeRunbook } from '../../runbook/write.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'

export const runbookCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('runbook')
      .description('print, in Markdown, how to restore this stack by hand if the controller itself is gone')
      .option('--json', 'one JSON document')
      .action(() => choose(showRunbook)),
}

async function showRunbook({ parts, config, signal }: Session): Promise<Answer> {
  const { plan, containers } = await currentPlan(parts, signal)
  const backups = (await repositoryOf(parts, captureTier).list(signal)).filter(({ reason }) => reason !== 'safety')
  const newestOf = ({ project, name }: { project: string; name: string }): Snapshot | undefined =>
    backups.findLast((one) => one.project === project && one.target === name)
  const runbook = writeRunbook({
    time: parts.clock.now().toISOString(),
    controllers: controllersOf(containers, parts.settings).map(({ name }) => name),
    engine: containers[0]?.engine ?? 'podman',
    repository: placeOnHost(config.local, parts.ownMounts),
    chapters: plan.targets.map((target) => ({ target, newest: newestOf(target) })),
  })
  return { document: { outcome: 'complete', runbook }, text: runbook, outcome: 'complete' }
}

/** A folder of the controller's container has another path on the host. */
function placeOnHost(local: RepositoryConfig, ownMounts: Session['parts']['ownMounts']): RepositoryPlace {
  const onHost = (path: string) => (ownMounts ? (locate({ mounts: ownMounts }, path)?.hostPath ?? path) : path)
  if (local.kind === 'archive') return { kind: 'archive', folder: onHost(local.dir) }
  const { directory, url } = parseAddress(local.url)
  const address = directory === undefined ? url.replace(/^restic:/, '') : onHost(directory)
  return { kind: 'restic', address, isElsewhere: directory === undefined }
}
