import { eventually } from '../../lab/lab.ts'
import type { Case, Pair } from '../case.ts'
import { callCost, type World } from '../world.ts'

/** pgbench makes about 15 MB a unit of its scale. */
const unitsOfGigabyte = 68

export const postgresCases: Case[] = [
  { name: 'postgres-backup', against: 'pg_dump -Fc -Z0 | zstd', atMost: 1.1, prepare },
]

async function prepare(world: World): Promise<Pair> {
  const { name, exec } = await world.lab.run({
    name: 'postgres',
    volumes: [`${world.lab.project}-postgres:/var/lib/postgresql`],
    env: { POSTGRES_USER: 'postgres' },
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.schedule': 'manual', 'xnai.backup.method': 'postgres' },
  })
  await eventually(() => exec(['psql', '-U', 'postgres', '-c', 'SELECT 1']), 60, 'the server answers')
  const units = Math.max(1, Math.round(unitsOfGigabyte * world.scale))
  await exec(['sh', '-c', `$(echo /usr/lib/postgresql/*/bin/pgbench) -U postgres -q -i -s ${units} postgres`])
  return {
    peer: () => {
      const stored = `${world.folder('dump')}/stored.zst`
      return world.shell(
        `podman exec ${name} pg_dump -U postgres -Fc -Z0 postgres | zstd -q -T0 -3 -o ${stored}; sync ${stored}`,
      )
    },
    ours: async () => callCost(await world.product('postgres', 'archive'), ['backup', 'postgres']),
    [Symbol.asyncDispose]: async () => {
      world.folder('dump')
      world.folder('postgres')
      await world.lab.podman(['rm', '--force', '--volumes', name])
    },
  }
}
