import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { eventually, servicesImage } from '../../../lab/lab.ts'
import { openStory } from '../../support/story.ts'
import { awaitReady, chooseSource, contentOf, labels, startQdrant } from './server.ts'

const story = await openStory('qdrant-variants')
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

test(`named collections alone are backed up (${source.name}), and a name that is not there is said`, async () => {
  const named = await startQdrant(lab, source, { name: 'named', labels: labels({ 'qdrant.collections': 'docs' }) })
  await awaitReady(named)
  await (await named.client()).fill(20)
  const content = await contentOf(named)
  await story.backUp('named')
  await (await named.client()).call('POST', '/collections/docs/points/delete?wait=true', { points: [1] })
  await story.restore('named')
  expect(await contentOf(named)).toEqual(content)
  await (await named.client()).call('DELETE', '/collections/docs')
  const { json } = await story.call(['backup', 'named'])
  expect(json.targets[0].error).toMatchObject({ code: 'DUMP_FAILED', hint: 'There are: My notes ü.' })
})

if (source.isReal) {
  test('a server that speaks TLS alone is backed up and comes back', async () => {
    const plain = await startQdrant(lab, source, { name: 'tls' })
    await awaitReady(plain)
    await (await plain.client()).fill(20)
    await lab.podman(['rm', '--force', '--time', '5', plain.container.name])
    const tls = join(lab.dir, 'files', 'tls')
    await mkdir(tls, { recursive: true })
    const make = 'req -x509 -newkey rsa:2048 -nodes -keyout /tls/key -out /tls/cert -days 2 -subj /CN=qdrant.example'
    await lab.podman(['run', '--rm', '--volume', `${tls}:/tls`, servicesImage, 'openssl', ...make.split(' ')])
    await startQdrant(lab, source, {
      name: 'tls',
      labels: labels({ 'qdrant.tls': 'true' }),
      volumes: [`${tls}:/tls:ro`],
      env: {
        QDRANT__SERVICE__ENABLE_TLS: 'true',
        QDRANT__TLS__CERT: '/tls/cert',
        QDRANT__TLS__KEY: '/tls/key',
        // Without it such a server cannot restore any snapshot.
        QDRANT__TLS__CA_CERT: '/tls/cert',
      },
    })
    await eventually(() => story.backUp('tls').catch(() => undefined), 60, 'a backup over TLS')
    await story.restore('tls')
  })
}
