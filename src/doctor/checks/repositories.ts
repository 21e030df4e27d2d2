import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { newId } from '../../job/identify.ts'
import { describeOthers, hostsOf, othersHint } from '../../job/other-hosts.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { KnownRepository } from '../../repository/known-repository.ts'
import type { Snapshot, SnapshotMeta } from '../../repository/repository.ts'
import { version } from '../../version.ts'
import { bad, type Check, type Diagnosis, failed, good, type Patient } from '../check.ts'

/** The target that snapshots of this check belong to. Nothing else has it. */
const probe = { project: 'xnai-backup', target: 'doctor' }

/** A repository that needs longer for some hundred bytes is not usable. */
const patienceSeconds = 300

/** Whether each repository is the one that is known, and a snapshot can be written, read and deleted there. */
export const checkRepositories: Check = async (patient) => {
  const found: Diagnosis[] = []
  for (const [tier, repository] of patient.parts.repositories) {
    found.push(await checkOne(patient, `repository ${tier}`, repository))
  }
  return found
}

async function checkOne({ parts, signal }: Patient, name: string, repository: KnownRepository): Promise<Diagnosis> {
  using deadline = withDeadline(signal, patienceSeconds, `${name} at ${repository.url}`)
  try {
    const id = await repository.identity(deadline)
    const listed = await repository.list(deadline)
    await repository.remove(
      listed.filter(isProbe).map((one) => one.id),
      deadline,
    )
    const before = listed.filter((one) => !isProbe(one)).length
    const hosts = before === 0 ? hostsOf((await repository.listAll?.(deadline)) ?? []) : []
    if (hosts.length > 0) return bad(name, `${repository.url} ${describeOthers(hosts, parts.host)}`, othersHint)
    await writeReadDelete(repository, makeMeta(parts.clock.now()), deadline)
    const what = id === undefined ? 'was new' : `holds ${before} ${before === 1 ? 'snapshot' : 'snapshots'}`
    return good(name, `${repository.url} ${what}; a snapshot was written, read and deleted`)
  } catch (error) {
    signal.throwIfAborted()
    return failed(name, error)
  }
}

const isProbe = ({ project, target }: Snapshot): boolean => project === probe.project && target === probe.target

async function writeReadDelete(repository: KnownRepository, meta: SnapshotMeta, signal: AbortSignal): Promise<void> {
  const content = randomBytes(256)
  async function* artifacts() {
    yield { kind: 'stream' as const, name: 'probe', open: async () => Readable.from([content]) }
  }
  const staged = await repository.stage(probe, artifacts(), { signal })
  const snapshot = await staged.publish(meta, signal)
  let read: Buffer
  try {
    read = Buffer.concat(await Array.fromAsync(await repository.open(snapshot, 'probe', signal)))
  } finally {
    await repository.remove([snapshot.id], signal)
  }
  if (!read.equals(content))
    throw new BackupError('REPOSITORY_FAILED', `${repository.url} gave back other bytes than were written`)
  const left = await repository.list(signal)
  if (left.some(({ id }) => id === snapshot.id))
    throw new BackupError(
      'REPOSITORY_FAILED',
      `${repository.url} still lists snapshot ${snapshot.id}, which was deleted`,
    )
}

function makeMeta(now: Date): SnapshotMeta {
  const id = newId(now)
  return {
    id,
    ...probe,
    method: 'files',
    time: now.toISOString(),
    set: id,
    run: id,
    reason: 'manual',
    facts: {},
    container: { name: 'none', image: '', imageId: '', user: '' },
    engine: { name: 'none', version: '' },
    creator: version,
    quiesced: [],
    warnings: [],
  }
}
