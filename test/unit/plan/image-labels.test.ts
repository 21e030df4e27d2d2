import { describe, expect, test } from 'vitest'
import { BackupError } from '../../../src/errors.ts'
import type { ImageLabels } from '../../../src/plan/image-labels.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { container, enabled, methods, settings, volume } from './build.ts'

const mounts = [volume('data', '/data')]
const db = container('db', { labels: enabled(), mounts })
const image = (labels: Record<string, string>): ImageLabels => new Map([['sha256:odd', labels]])
const plan = (odd: Record<string, string>, images: ImageLabels) =>
  makePlan([db, container('odd', { labels: odd, mounts, imageId: 'sha256:odd' })], settings, methods, images)

const notCounting = (label: string) => ({
  container: 'shop-odd-1',
  label,
  reason: expect.stringMatching(/comes from the image .* does not count; image-labels: use/),
})

describe('labels that a container has from its image', () => {
  test('do not opt it in, and are shown with the way to make them count', () => {
    const { targets, problems } = plan(enabled(), image(enabled()))
    expect(targets.map(({ name }) => name)).toEqual(['db'])
    expect(problems).toMatchObject([notCounting('xnai.backup.enable')])
    expect(plan(enabled(), new Map()).targets.map(({ name }) => name)).toEqual(['db', 'odd'])
  })

  test('break no target whose name they take', () => {
    const labels = enabled({ name: 'db' })
    expect(plan(labels, image(labels)).targets.map(({ name }) => name)).toEqual(['db'])
    expect(plan(labels, new Map()).targets).toEqual([])
  })

  test('do not say that it is no writer', () => {
    const labels = { 'xnai.backup.writer': 'never' }
    const stops = (images: ImageLabels) => plan(labels, images).targets[0]?.quiesced.map(({ name }) => name)
    expect(stops(image(labels))).toEqual(['shop-db-1', 'shop-odd-1'])
    expect(stops(new Map())).toEqual(['shop-db-1'])
  })

  test('count where the container sets them to another value', () => {
    const { targets } = plan(enabled({ method: 'redis' }), image({ 'xnai.backup.method': 'files' }))
    expect(targets.map(({ name, spec }) => [name, spec.method])).toEqual([
      ['db', 'files'],
      ['odd', 'redis'],
    ])
  })

  test('are not spoken of where the container opts out by itself', () => {
    const odd = { 'xnai.backup.enable': 'false', 'xnai.backup.method': 'redis' }
    expect(plan(odd, image(enabled({ method: 'redis' }))).problems).toEqual([])
  })

  test('still tell a controller, which is known by another label of its image', () => {
    const labels = { 'org.xnai-backup.role': 'controller' }
    expect(plan(labels, image(labels)).targets[0]?.quiesced.map(({ name }) => name)).toEqual(['shop-db-1'])
  })

  test('count where the image cannot be asked, and that is a problem', () => {
    const { targets, problems } = plan(
      enabled(),
      new Map([['sha256:odd', new BackupError('ENGINE_FAILED', 'no layer')]]),
    )
    expect(targets.map(({ name }) => name)).toEqual(['db', 'odd'])
    expect(problems).toMatchObject([{ container: 'shop-odd-1', reason: expect.stringContaining('no layer') }])
  })
})
