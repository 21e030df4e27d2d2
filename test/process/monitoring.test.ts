import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { makeFolder } from '../support/cli.ts'
import { startPageServer } from '../support/page-server.ts'

/** What examples/monitoring holds, loaded by the programs that it is for. */

const root = join(import.meta.dirname, '../..')
const examples = join(root, 'examples/monitoring')
const programs = join(process.env.XNAI_LAB ?? join(root, '.lab'), 'monitors')
const run = promisify(execFile)

test.each([
  ['promtool', ['check', 'rules', 'rules.yaml']],
  ['promtool', ['test', 'rules', 'rules.test.yaml']],
  ['vmalert-tool', ['unittest', '--disableAlertgroupLabel', '--files', 'rules.test.yaml']],
])('%s %j finds nothing wrong with the rules', async (program, args) => {
  const { stdout } = await run(join(programs, program), args, { cwd: examples, timeout: 120_000 })
  expect(stdout).toContain('SUCCESS')
  expect(stdout).not.toContain('FAILED')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A VictoriaMetrics that scrapes the target every second. It ends with the test. Answers how to query it. */
async function startScraping(target: string) {
  const folder = makeFolder()
  const config = {
    scrape_configs: [{ job_name: 'xnai-backup', scrape_interval: '1s', static_configs: [{ targets: [target] }] }],
  }
  writeFileSync(join(folder, 'scrape.yaml'), JSON.stringify(config))
  const address = `127.0.0.1:${await freePort()}`
  const options = [
    ...[`-storageDataPath=${join(folder, 'data')}`, `-promscrape.config=${join(folder, 'scrape.yaml')}`],
    ...[`-httpListenAddr=${address}`, '-search.latencyOffset=0s', '-retentionPeriod=1d', '-memory.allowedBytes=64MB'],
  ]
  const child: ChildProcess = spawn(join(programs, 'victoria-metrics'), options, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return async (query: string): Promise<QueryResult> => {
    const asked = `http://${address}/api/v1/query?query=${encodeURIComponent(query)}`
    const response = await fetch(asked).catch(() => undefined)
    const { status, error, data } = (response ? await response.json() : { status: 'away' }) as Partial<ApiAnswer>
    return { status, error, results: data?.result ?? [] }
  }
}

interface Series {
  metric: Record<string, string>
  value: [time: number, value: string]
}

interface ApiAnswer {
  status: string
  error: string
  data: { result: Series[] }
}

type QueryResult = { status: string | undefined; error: string | undefined; results: Series[] }

interface Panel {
  title: string
  targets: { expr: string }[]
}

const { panels } = JSON.parse(readFileSync(join(examples, 'grafana-dashboard.json'), 'utf8')) as { panels: Panel[] }
const expressions = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => ({ title, query: expr.replaceAll(/\$(project|target)/g, '.*') })),
)
/** There is no drill in this test. */
const needsDrill = ({ query }: { query: string }) => query.includes('drill')

test('every query of the dashboard finds the series of a controller that was scraped', async () => {
  const { stage, port } = await startPageServer()
  expect(await stage.product(['backup', 'app', '--json'])).toMatchObject({ exitCode: 0 })
  const query = await startScraping(`127.0.0.1:${port}`)
  const backedUp = async () => (await query('xnai_backup_last_run_success == 1')).results.length === 1
  await eventually(backedUp, 90, 'the backup to be scraped')
  for (const { title, query: text } of expressions.filter((one) => !needsDrill(one))) {
    const { status, error, results } = await query(text)
    expect({ title, status, error }).toEqual({ title, status: 'success', error: undefined })
    expect(results.length, `${title}: ${text}`).toBeGreaterThan(0)
  }
  for (const { query: text } of expressions.filter(needsDrill)) expect((await query(text)).status).toBe('success')
  const runs = await query('xnai_backup_runs_total{target="app",kind="backup",outcome="complete"}')
  expect(runs.results.map(({ value }) => value[1])).toEqual(['1'])
})
