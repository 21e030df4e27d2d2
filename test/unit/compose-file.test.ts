import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const shipped = parse(readFileSync(new URL('../../compose.backup.yaml', import.meta.url), 'utf8'))

test('the shipped compose file has the one restart policy that podman-restart.service of every Podman starts at boot', () => {
  // Podman 4.3: `podman start --all --filter restart-policy=always`. Newer ones start `unless-stopped` as well (podman#27619).
  expect(shipped.services['xnai-backup'].restart).toBe('always')
})
