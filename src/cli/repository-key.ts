import { BackupError } from '../errors.ts'
import type { RepositoryKey, Tier } from '../repository/repository.ts'
import type { Answer, Session } from './command.ts'
import { formatKit } from './render/recovery-kit.ts'

export interface KeyOptions {
  confirmed?: boolean
  yes?: boolean
  json?: boolean
}

interface TieredKey extends RepositoryKey {
  tier: Tier
}

/** Prints the recovery kit of each repository that has a key, or notes that it was put away. */
export async function tellKeys(session: Session, options: KeyOptions): Promise<Answer | undefined> {
  const keys = await findKeys(session)
  if (options.confirmed) return confirm(session, keys)
  const { io } = session
  if (!io.stdout.isTTY && !options.yes) {
    throw new BackupError('CONFIRMATION_NEEDED', 'the key would be written to something that is no terminal', {
      hint: 'Give it a terminal (exec -it), or add --yes where nothing keeps the output that must not.',
    })
  }
  // Straight to the terminal: the usual way removes secrets.
  io.stdout.write(options.json ? `${JSON.stringify({ outcome: 'complete', keys }, undefined, 2)}\n` : formatKit(keys))
  return undefined
}

async function findKeys({ parts, signal }: Session): Promise<TieredKey[]> {
  const keys: TieredKey[] = []
  for (const [tier, repository] of parts.repositories) {
    const key = await repository.key?.(signal)
    if (key) keys.push({ tier, ...key })
  }
  if (keys.length > 0) return keys
  throw new BackupError('USAGE', 'there is no repository that has a key', {
    hint: 'An archive is not encrypted. A repository of restic has a key from the first backup on.',
  })
}

function confirm({ parts }: Session, keys: TieredKey[]): Answer {
  for (const { code } of keys) parts.catalog.confirmedKeys.add(code)
  const repositories = keys.map(({ tier, code }) => ({ tier, url: parts.repositories.get(tier)?.url ?? '', code }))
  return {
    document: { outcome: 'complete', repositories },
    text: repositories
      .map(({ tier, url, code }) => `${tier} ${url}: the key with the check code ${code} was put away\n`)
      .join(''),
    outcome: 'complete',
  }
}
