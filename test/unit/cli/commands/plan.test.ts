import { describe, expect, test } from 'vitest'
import { container, run } from '../../../support/cli.ts'
import { planShape } from '../../../support/json-shapes.ts'

describe('plan', () => {
  test('a terminal shows what stops, in which order, and the problems last', async () => {
    const { stdout, exitCode } = await run(['plan'], { terminal: true })
    expect(stdout).toMatchInlineSnapshot(`
      "TARGET      METHOD  SCHEDULE   NEXT RUN             QUIESCE  STOPS, IN ORDER  CAPTURES  KEEPS
      shop/files  files   on-change  —                    stop     shop-cron-1      /srv      daily=30d,weekly=90d
                                                                   shop-app-1
      shop/redis  redis   0 2 * * *  2026-11-21 02:00:00  none     —                —         daily=30d,weekly=90d
      shop/web    broken  —          —                    —        —                —         —

      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did you mean xnai.backup.schedule?)
      "
    `)
    expect(exitCode).toBe(0)
  })

  test('a pipe gets plain lines', async () => {
    expect((await run(['plan'])).stdout).toMatchInlineSnapshot(`
      "TARGET	METHOD	SCHEDULE	NEXT RUN	QUIESCE	STOPS, IN ORDER	CAPTURES	KEEPS
      shop/files	files	on-change	—	stop	shop-cron-1,shop-app-1	/srv	daily=30d,weekly=90d
      shop/redis	redis	0 2 * * *	2026-11-21T02:00:00.000Z	none	—	—	daily=30d,weekly=90d
      shop/web	broken	—	—	—	—	—	—
      problem: shop-web-1: xnai.backup.shedule=@daily: is no label of xnai-backup (did you mean xnai.backup.schedule?)
      "
    `)
  })

  test('the document has services started in the reverse of the order in which they stop', async () => {
    const { targets, problems } = planShape.parse((await run(['plan', '--json'])).json())
    const files = targets.find(({ target }) => target === 'files')
    expect(files?.stops).toEqual(['shop-cron-1', 'shop-app-1'])
    expect(files?.starts).toEqual(['shop-app-1', 'shop-cron-1'])
    expect(problems).toMatchObject([{ label: 'xnai.backup.shedule', suggestion: 'xnai.backup.schedule' }])
  })

  test('a stack without targets is told so', async () => {
    const { stdout, exitCode } = await run(['plan'], { containers: [container('redis')] })
    expect(stdout).toBe('No container carries xnai.backup.enable=true.\n')
    expect(exitCode).toBe(0)
  })
})
