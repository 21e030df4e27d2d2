import { describe, expect, test } from 'vitest'
import { fakeEngine } from '../../../fakes/engine.ts'
import { container, run, shop } from '../../../support/cli.ts'
import { planShape } from '../../../support/json-shapes.ts'

describe('plan', () => {
  test('a terminal shows what stops, in which order, and the problems last: exit 1', async () => {
    const { stdout, exitCode } = await run(['plan'], { terminal: true })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      METHOD  SCHEDULE   NEXT RUN (UTC)    DURING THE BACKUP
      shop/files  files   on-change  —                 stops shop-cron-1, shop-app-1
        captures /srv; keeps daily=30d,weekly=90d
      shop/redis  redis   0 2 * * *  2026-11-21 02:00  nothing stops
        keeps daily=30d,weekly=90d
      shop/web    broken  —          —                 —

      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did
        you mean xnai.backup.schedule?)
      "
    `)
    expect(exitCode).toBe(1)
  })

  test('a pipe gets the same aligned columns', async () => {
    const { stdout } = await run(['plan'])
    expect(stdout).toBe((await run(['plan'], { terminal: true })).stdout)
    expect(stdout).not.toContain('\t')
  })

  test('a stack without problems: exit 0', async () => {
    expect((await run(['plan'], { containers: shop.filter(({ service }) => service !== 'web') })).exitCode).toBe(0)
  })

  test('the width of a pipe is that of COLUMNS', async () => {
    const { stdout } = await run(['plan'], { environment: { COLUMNS: '140' } })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      METHOD  SCHEDULE   NEXT RUN (UTC)    DURING THE BACKUP              CAPTURES  KEEPS
      shop/files  files   on-change  —                 stops shop-cron-1, shop-app-1  /srv      daily=30d,weekly=90d
      shop/redis  redis   0 2 * * *  2026-11-21 02:00  nothing stops                  —         daily=30d,weekly=90d
      shop/web    broken  —          —                 —                              —         —

      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did you mean xnai.backup.schedule?)
      "
    `)
  })

  test('--wide has one line for each target, however narrow the terminal is', async () => {
    const { stdout } = await run(['plan', '--wide'], { terminal: true, columns: 40 })
    expect(stdout).toBe((await run(['plan'], { environment: { COLUMNS: '1000' } })).stdout)
  })

  test('times are those of the configured zone', async () => {
    const { stdout } = await run(['plan'], { environment: { TZ: 'America/New_York' } })
    expect(stdout).toContain('NEXT RUN (GMT-5)')
    expect(stdout).toContain('2026-11-21 02:00')
  })

  test('the document has services started in the reverse of the order in which they stop', async () => {
    const { targets, problems } = planShape.parse((await run(['plan', '--json'])).json())
    const files = targets.find(({ target }) => target === 'files')
    expect(files?.stops).toEqual(['shop-cron-1', 'shop-app-1'])
    expect(files?.starts).toEqual(['shop-app-1', 'shop-cron-1'])
    expect(problems).toMatchObject([{ label: 'xnai.backup.shedule', suggestion: 'xnai.backup.schedule' }])
  })

  test('labels of an image do not count, and are shown with the setting that makes them count', async () => {
    const labels = { 'xnai.backup.enable': 'true', 'xnai.backup.method': 'redis' }
    const engine = fakeEngine({
      containers: [container('redis', { labels, imageId: 'sha256:redis' })],
      images: { 'sha256:redis': labels },
    })
    const plan = async (environment?: Record<string, string>) =>
      planShape.parse((await run(['plan', '--json'], { engine, ...(environment && { environment }) })).json())
    const { targets, problems } = await plan()
    expect(targets).toEqual([])
    expect(problems.map(({ label }) => label)).toEqual(Object.keys(labels))
    expect(problems[0]?.reason).toContain('image-labels: use')
    const used = await plan({ XNAI_BACKUP_IMAGE_LABELS: 'use' })
    expect(used).toMatchObject({ targets: [{ target: 'redis', method: 'redis' }], problems: [] })
  })

  test('a stack without targets is told so', async () => {
    const { stdout, exitCode } = await run(['plan'], { containers: [container('redis')] })
    expect(stdout).toBe('No container carries xnai.backup.enable=true.\n')
    expect(exitCode).toBe(0)
  })
})
