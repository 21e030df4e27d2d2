import { parseArgs } from 'node:util'
import { eventually, startLab } from '../lab/lab.ts'
import { makeStack, type Stack } from '../lab/stack.ts'
import { prelude, type Subject, subjects } from '../lab/subjects.ts'
import { renderVerdicts } from '../src/cli/render/verify.ts'
import { findPage, listening, readVerdict, takePicture } from './demo/page.ts'
import { type Digests, failures, isProven, renderReport, reportStyle } from './demo/report.ts'
import { saveLogs } from './demo/save-logs.ts'

/**
 * demo.ts LOGS PICTURE [--stay]: the example stack with the controller, on a Podman of its own: back up, destroy,
 * restore, prove every target by its content, and drill. Exit code 0 only when every proof holds. A failure leaves the
 * logs of all containers in LOGS. Where the machine has a Chromium, a picture of the controller's page is left in
 * PICTURE. With `--stay` everything goes on until an interruption.
 */
const { values, positionals } = parseArgs({ options: { stay: { type: 'boolean' } }, allowPositionals: true })
const [logs = '.lab/demo-logs', picture = '.lab/demo-page.png'] = positionals
const interruption = Promise.withResolvers<never>()
// One that comes before anybody waits for it is seen then.
interruption.promise.catch(() => {})
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    process.exitCode = 130
    interruption.reject(new Error(`interrupted by ${name}`))
  })
}
let step = 'starting a Podman'

const lab = await startLab('demo', { health: true })
try {
  await Promise.race([demonstrate(), interruption.promise]).then(stay, explain)
} finally {
  say('removing what was started')
  await lab.stop()
}
process.exit()

async function demonstrate(): Promise<void> {
  const { token, ...options } = listening()
  const stack = await makeStack(lab, options)
  say(`starting ${subjects.length} kinds of data and the controller by compose, in ${lab.dir}`)
  await stack.up()
  say('the services are real; Qdrant alone is played by a stand-in that keeps to its API, since no package carries it')
  const page = await findPage(lab, stack, token)
  say(`the page of the controller, live: ${page.address} (token ${token})`)
  say('writing data')
  for (const subject of subjects) await shell(stack, subject, subject.fill)
  const before = await digests(stack)
  const running = await stack.running()

  say('backing up: podman exec xnai-backup xnai-backup backup --all')
  const { json: backup } = await stack.call(['backup', '--all'])
  requireComplete(backup)

  say('destroying the data: FLUSHALL, DROP DATABASE, rm -rf')
  for (const subject of subjects) await shell(stack, subject, subject.destroy)
  requireLoss(before, await digests(stack))

  say('restoring: podman exec xnai-backup xnai-backup restore --all --yes')
  const { json: restore } = await stack.call(['restore', '--all', '--yes'])

  say('comparing with what was there')
  const now = await digests(stack)
  console.log(`\n${renderReport(subjects, { backup, restore }, before, now)}`)
  requireComplete(restore)
  const lost = subjects.filter(({ name }) => !isProven(name, restore, before, now)).map(({ name }) => name)
  if (lost.length > 0) throw new Error(`not what they were: ${lost.join(', ')}`)
  await requireRunning(stack, running)
  say('every target came back as it was, and every container runs as before')

  say('drilling the newest snapshots in scratch containers: podman exec xnai-backup xnai-backup verify --all')
  const { json: verify } = await stack.call(['verify', '--all'])
  console.log(`\n${renderVerdicts(verify.targets ?? [], reportStyle())}`)
  requireComplete(verify)
  await requireNothingOfDrills()
  await requireRunning(stack, running)
  say('every snapshot is verified, and nothing of the drills is left')

  const verdict = await readVerdict(page)
  if (!verdict.startsWith(`${subjects.length} of ${subjects.length} services`))
    throw new Error(`the page says ${verdict}`)
  const isPictured = await takePicture(page, picture)
  say(`the page at ${page.address} says: ${verdict}${isPictured ? `; a picture of it: ${picture}` : ''}`)
}

/** The page is there as long as its controller. */
async function stay(): Promise<void> {
  if (!values.stay) return say('the page goes with the stack: npm run demo -- --stay keeps both')
  say('the stack and its page stay until Ctrl-C')
  await interruption.promise.catch(() => {})
  process.exitCode = 0
}

function shell(stack: Stack, { service }: Subject, script: string): Promise<string> {
  return stack.shell(service, `${prelude}\n${script}`)
}

async function digests(stack: Stack): Promise<Digests> {
  const found: Digests = new Map()
  for (const subject of subjects) {
    const line = await shell(stack, subject, subject.digest).catch(() => 'nothing')
    found.set(subject.name, line.trim())
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

/** A container that has just been started again may need a moment. */
async function requireRunning(stack: Stack, names: string[]): Promise<void> {
  const check = async () => {
    const now = await stack.running()
    const missing = names.filter((name) => !now.includes(name))
    if (missing.length > 0) throw new Error(`not running any more: ${missing.join(', ')}`)
    return true
  }
  await eventually(check, 30, 'every container runs as before')
}

async function requireNothingOfDrills(): Promise<void> {
  const label = ['--filter', 'label=xnai.backup.scratch', '--quiet']
  const lists = [
    ['ps', '--all'],
    ['volume', 'ls'],
    ['network', 'ls'],
  ].map((list) => lab.podman([...list, ...label]))
  const left = (await Promise.all(lists)).join('').trim()
  if (left !== '') throw new Error(`the drills have left ${left}`)
}

function requireComplete(document: Parameters<typeof failures>[0]): void {
  if (document.outcome !== 'complete') throw new Error(['', ...failures(document)].join('\n  '))
}

async function explain(error: Error): Promise<void> {
  process.exitCode ??= 1
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  console.error(`✗ ${step}: ${error.message.trimEnd()}${cause.trimEnd()}`)
  await saveLogs(lab, logs)
  console.error(`✗ the logs of all containers: ${logs}`)
}

function say(text: string): void {
  step = text
  console.error(`• ${String(Math.round(performance.now() / 1000)).padStart(3)} s  ${text}`)
}
