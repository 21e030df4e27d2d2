import { startLab } from '../test/support/lab.ts'
import { type Digests, failures, isProven, renderReport } from './demo/report.ts'
import { subjects } from './demo/services.ts'
import { makeStack, type Stack } from './demo/stack.ts'

/**
 * demo.ts LOGS: the example stack with the controller, on a Podman of its own: back up, destroy, restore, and prove every target by
 * its content. Exit code 0 only when every proof holds. A failure leaves the logs of all containers in LOGS, and nothing else.
 */
const logs = process.argv[2] ?? '.lab/demo-logs'
const interruption = new Promise<never>((_, reject) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(name, () => reject(new Error(`interrupted by ${name}`)))
})
let step = ''

const lab = await startLab('demo', { health: true })
try {
  const stack = await makeStack(lab)
  await Promise.race([demonstrate(stack), interruption]).catch((error) => explain(error, stack))
} finally {
  say('removing what was started')
  await lab.stop()
}
process.exit()

async function demonstrate(stack: Stack): Promise<void> {
  say(`starting ${subjects.length} kinds of data and the controller by compose, in ${lab.dir}`)
  await stack.up()
  say('writing data')
  for (const subject of subjects) await stack.shell(subject, subject.fill)
  const before = await digests(stack)
  const running = await stack.running()

  say('backing up: podman exec xnai-backup xnai-backup backup --all')
  const backup = await stack.backupTool(['backup', '--all'])
  requireComplete(backup)

  say('destroying the data: FLUSHALL, DROP DATABASE, rm -rf')
  for (const subject of subjects) await stack.shell(subject, subject.destroy)
  requireLoss(before, await digests(stack))

  say('restoring: podman exec xnai-backup xnai-backup restore --all --yes')
  const restore = await stack.backupTool(['restore', '--all', '--yes'])

  say('comparing with what was there')
  const now = await digests(stack)
  console.log(`\n${renderReport(subjects, { backup, restore }, before, now)}`)
  requireComplete(restore)
  const lost = subjects.filter(({ name }) => !isProven(name, restore, before, now)).map(({ name }) => name)
  if (lost.length > 0) throw new Error(`not what they were: ${lost.join(', ')}`)
  const runningNow = await stack.running()
  const missing = running.filter((name) => !runningNow.includes(name))
  if (missing.length > 0) throw new Error(`not running any more: ${missing.join(', ')}`)
  say(
    `every target came back as it was, and every container runs as before, in ${Math.round(performance.now() / 1000)} s`,
  )
}

async function digests(stack: Stack): Promise<Digests> {
  const found: Digests = new Map()
  for (const { name, ...subject } of subjects) {
    const line = await stack.shell({ name, ...subject }, subject.digest).catch(() => 'nothing')
    found.set(name, line.trim())
  }
  return found
}

/** Otherwise the restore would prove nothing. */
function requireLoss(before: Digests, now: Digests): void {
  for (const [name, line] of before) {
    if (line === 'nothing') throw new Error(`no data of ${name} was written`)
    if (now.get(name) === line) throw new Error(`the data of ${name} was not destroyed`)
  }
}

function requireComplete(document: Parameters<typeof failures>[0]): void {
  if (document.outcome !== 'complete') throw new Error(['', ...failures(document)].join('\n  '))
}

async function explain(error: Error, stack: Stack): Promise<void> {
  process.exitCode = 1
  console.error(`✗ ${step}: ${error.message.trimEnd()}`)
  await stack.saveLogs(logs)
  console.error(`✗ the logs of all containers: ${logs}`)
}

function say(text: string): void {
  step = text
  console.error(`• ${String(Math.round(performance.now() / 1000)).padStart(3)} s  ${text}`)
}
