/** stop.ts [MB…]: how long a backup keeps the service of a volume of that size down, beside a plain restart of it. */
import { mkdirSync } from 'node:fs'
import { startLab } from '../lab/lab.ts'
import { productOf } from '../lab/product.ts'
import { fillVolume } from './fill-volume.ts'
import { printTable } from './print-table.ts'

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 300, 3000]

await using lab = await startLab('stop')
const product = productOf(lab)
mkdirSync(product.repository, { recursive: true })
const rows: string[][] = []
for (const size of sizes) {
  const name = `data-${size}`
  const { name: container } = await lab.run({
    name,
    command: ['sh', '-c', 'trap exit TERM; sleep infinity & wait'],
    volumes: [`${lab.project}-${name}:/data`],
    labels: { 'xnai.backup.enable': 'true' },
  })
  const volume = ['volume', 'inspect', '--format', '{{.Mountpoint}}', `${lab.project}-${name}`]
  fillVolume((await lab.podman(volume)).trim(), size)
  const begin = performance.now()
  await lab.podman(['restart', '--time', '10', container])
  const restart = (performance.now() - begin) / 1000
  const { json, stderr } = await product(['backup', name, '--json'])
  const [{ outcome, downtimeSeconds, seconds, error }] = json.targets
  if (outcome !== 'complete') throw new Error(error?.message ?? stderr)
  rows.push([`${size} MB`, restart, downtimeSeconds, downtimeSeconds / restart, seconds].map(show))
}
const head = ['VOLUME', 'RESTART (s)', 'STOPPED FOR (s)', 'RATIO', 'BACKUP (s)']
printTable(head, rows)

function show(value: string | number): string {
  return typeof value === 'string' ? value : value.toFixed(2)
}
