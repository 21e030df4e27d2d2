import { type Infer, z } from '../lib/zod.ts'
import type { ContainerFacts } from './engine.ts'

/** `80/tcp` → the ports of the host that lead there. */
export const portBindings = z
  .record(z.string(), z.array(z.object({ HostPort: z.string().default('') })).nullish())
  .nullish()

export function readPublished(bindings: Infer<typeof portBindings>): Pick<ContainerFacts, 'published'> {
  const published = Object.entries(bindings ?? {}).flatMap(([port, places]) =>
    (places ?? []).map(({ HostPort }) => ({ hostPort: Number(HostPort), port: Number.parseInt(port, 10) })),
  )
  return published.length > 0 ? { published } : {}
}
