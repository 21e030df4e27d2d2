import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const text = readFileSync(new URL('../../compose.backup.yaml', import.meta.url), 'utf8')
const shipped = parse(text)

test('the shipped compose file has the one restart policy that podman-restart.service of every Podman starts at boot', () => {
  // Podman 4.3 and 5.4: `podman start --all --filter restart-policy=always`. From 5.8 on also `unless-stopped` (podman#27619).
  expect(shipped.services['xnai-backup'].restart).toBe('always')
})

test('with the signs taken off its lines, the page is published on loopback of the host alone, with a token', () => {
  const { environment, ports, volumes } = parse(text.replaceAll(/# (- XNAI_BACKUP_LISTEN|ports:| {2}- 127)/g, '$1'))
    .services['xnai-backup']
  expect(environment).toEqual(expect.arrayContaining(['XNAI_BACKUP_LISTEN=0.0.0.0:9180', 'XNAI_BACKUP_LISTEN_TOKEN']))
  expect(ports).toEqual(['127.0.0.1:9180:9180'])
  expect(volumes).toEqual(shipped.services['xnai-backup'].volumes)
  expect(shipped.services['xnai-backup'].ports).toBeUndefined()
})
