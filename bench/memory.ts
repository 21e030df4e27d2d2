/**
 * memory.ts [GB]: backs up and restores a volume of 5 GB on a Podman of its own, and prints the peak memory of the
 * product's process.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startLab } from '../lab/lab.ts'
import { type MeasuredRun, runMeasured } from '../lab/peak-memory.ts'
import { productOf } from '../lab/product.ts'
import { fillVolume } from './fill-volume.ts'
import { printTable } from './print-table.ts'

const megabytes = Number(process.argv[2] ?? 5) * 1000
const main = join(import.meta.dirname, '../src/main.ts')

await using lab = await startLab('memory')
const { env, repository } = productOf(lab)
mkdirSync(repository, { recursive: true })
await lab.run({
  name: 'data',
  command: ['sh', '-c', 'trap exit TERM; sleep infinity & wait'],
  volumes: [`${lab.project}-data:/data`],
  labels: { 'xnai.backup.enable': 'true' },
})
const root = (await lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', `${lab.project}-data`])).trim()
fillVolume(root, megabytes)

const rows: string[][] = []
for (const args of [
  ['backup', 'data'],
  ['restore', 'data', '--yes'],
])
  rows.push(row(args[0] as string, await runMeasured(main, [...args, '--json'], env)))
const head = ['WORK', 'EXIT CODE', 'SECONDS', 'PEAK OF THE PROCESS', 'PEAKS OF ITS CHILDREN']
printTable(head, rows)

function row(work: string, { exitCode, seconds, peakBytes, childPeaks, stdout }: MeasuredRun): string[] {
  if (exitCode !== 0) process.exitCode = 1
  if (exitCode !== 0) console.error(stdout)
  const children = [...childPeaks].map(([name, bytes]) => `${name} ${mebibytes(bytes)}`)
  return [work, String(exitCode), seconds.toFixed(1), mebibytes(peakBytes), children.join(', ')]
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
