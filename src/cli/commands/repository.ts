import { BackupError } from '../../errors.ts'
import type { KnownRepository, Standing } from '../../repository/known-repository.ts'
import type { Tier } from '../../repository/repository.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type KeyOptions, tellKeys } from '../repository-key.ts'

export const repositoryCommand: CommandDefinition = {
  kind: 'recall',
  define: (program, choose) => {
    const command = program
      .command('repository')
      .description('what the controller takes as its repository, and its key')
    command
      .command('accept')
      .description('take the empty or other repository that lies at a known address')
      .option('--yes', 'without being asked')
      .option('--json', 'one JSON document')
      .action((options: { yes?: boolean }) => choose((session) => accept(session, options.yes === true)))
    command
      .command('key')
      .description('print the recovery kit: what opens the backups without this program and without this machine')
      .option('--confirmed', 'the kit was put away: status reminds no more')
      .option('--yes', 'print it where standard output is no terminal')
      .option('--json', 'one JSON document')
      .action((options: KeyOptions) => choose((session) => tellKeys(session, options)))
  },
}

/** One repository in the document of `repository accept`. Null: none was known, or there was none. */
interface Accepted {
  tier: Tier
  url: string
  /** The id that was expected at the address. */
  expected: string | null
  /** The id of what was found there. */
  found: string | null
  /** The id that is expected from now on. */
  id: string
  snapshots: number
}

async function accept(session: Session, isConfirmed: boolean): Promise<Answer> {
  const { parts, signal } = session
  const repositories: Accepted[] = []
  for (const [tier, repository] of parts.repositories) {
    const before = await repository.standing(signal)
    if (!isConfirmed && isStrange(before)) await confirm(session, repository, before)
    const id = await repository.accept(signal)
    const snapshots = (await repository.list(signal)).length
    const { expected = null, found = null } = before
    repositories.push({ tier, url: repository.url, expected, found, id, snapshots })
  }
  return {
    document: { outcome: 'complete', repositories },
    text: repositories.map(renderAccepted).join(''),
    outcome: 'complete',
  }
}

const isStrange = ({ expected, found }: Standing): boolean => expected !== undefined && expected !== found

/** Throws CONFIRMATION_NEEDED for any answer but yes, and where nobody can be asked. */
async function confirm({ io, note, signal }: Session, { url }: KnownRepository, { expected, found }: Standing) {
  const what = found === undefined ? `what lies at ${url}, without an id,` : `repository ${found} at ${url}`
  if (!io.ask) {
    throw new BackupError('CONFIRMATION_NEEDED', `${what} would be taken in place of ${expected}`, {
      hint: 'Add --yes to take it without being asked.',
    })
  }
  note(`Repository ${expected} is expected at ${url}. If its disk is only not mounted, answer no and mount it.\n`)
  const reply = await io.ask(`Take ${what} from now on? [y/N] `, signal)
  if (/^y(es)?$/i.test(reply.trim())) return
  throw new BackupError('CONFIRMATION_NEEDED', 'it was not confirmed', { hint: 'Nothing was changed.' })
}

function renderAccepted({ tier, url, expected, id, snapshots }: Accepted): string {
  const verb = expected === id ? 'is the one that was known' : 'is taken from now on'
  return `${tier} ${url}: repository ${id} ${verb}, with ${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}\n`
}
