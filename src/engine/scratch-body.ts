import { z } from '../lib/zod.ts'
import type { ScratchMount, ScratchRequest } from './engine.ts'

const list = z
  .array(z.string())
  .nullish()
  .transform((found) => found ?? [])
/** What both a container and an image say. */
const config = {
  Env: list,
  Cmd: list,
  // Podman before 5 answers the words of an entry point as one text.
  Entrypoint: z
    .union([z.string().transform((text) => (text === '' ? [] : [text])), z.array(z.string())])
    .nullish()
    .transform((found) => found ?? []),
  User: z.string().default(''),
  WorkingDir: z.string().default(''),
}
const containerShape = z.object({
  Id: z.string(),
  Config: z.object({ ...config, Hostname: z.string().default(''), StopSignal: z.unknown().optional() }),
  HostConfig: z.object({
    CapAdd: list,
    CapDrop: list,
    GroupAdd: list,
    SecurityOpt: list,
    ReadonlyRootfs: z.boolean().default(false),
    Init: z.boolean().nullish(),
    ShmSize: z.number().default(0),
    Memory: z.number().default(0),
    NanoCpus: z.number().default(0),
    PidsLimit: z.number().nullish(),
    UsernsMode: z.string().default(''),
  }),
})
const imageShape = z.object({ Config: z.object(config).partial().nullish() })

/**
 * Capabilities that reach nothing outside of a container's own file systems and network. A drill gives no other one, whatever the service
 * has: with some of the others a process can open files of the host, or change its clock.
 */
const harmless = new Set(
  [
    ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'IPC_LOCK', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
    ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT', 'SYS_NICE'],
  ].flatMap((name) => [name, `CAP_${name}`]),
)

/** More processes than that are a fault. */
const mostProcesses = 4096

/**
 * The body of the request that creates a scratch container: the program of the original with its environment and its user, and nothing
 * that leads out of it. `ownImage` is the image of the original where the scratch container gets another one: what the original has from
 * there is left to the other image.
 */
export function toCreateBody(original: unknown, ownImage: unknown, request: ScratchRequest) {
  const { Id, Config, HostConfig } = containerShape.parse(original)
  const image = ownImage === undefined ? undefined : imageShape.parse(ownImage).Config
  const hasOwnHostname = Config.Hostname !== '' && !Id.startsWith(Config.Hostname)
  const isFromImage = <K extends keyof typeof config>(key: K) => same(Config[key], image?.[key])
  const hasOwnProgram = !isFromImage('Entrypoint') || !isFromImage('Cmd')
  const limit = (own: number, most: number) => (own > 0 ? Math.min(own, most) : most)
  return {
    Image: request.imageId,
    Env: Config.Env.filter((entry) => !image?.Env?.includes(entry) && entry !== `HOSTNAME=${Config.Hostname}`),
    ...(hasOwnProgram && { Cmd: Config.Cmd }),
    ...(hasOwnProgram && Config.Entrypoint.length > 0 && { Entrypoint: Config.Entrypoint }),
    ...(!isFromImage('User') && { User: Config.User }),
    ...(!isFromImage('WorkingDir') && Config.WorkingDir !== '' && { WorkingDir: Config.WorkingDir }),
    ...(typeof Config.StopSignal === 'string' && Config.StopSignal !== '' && { StopSignal: Config.StopSignal }),
    ...(hasOwnHostname && { Hostname: Config.Hostname }),
    // What a service depends on is not there, so that its health check may never pass.
    Healthcheck: { Test: ['NONE'] },
    Labels: request.labels,
    HostConfig: {
      CapAdd: HostConfig.CapAdd.filter((name) => harmless.has(name)),
      CapDrop: HostConfig.CapDrop,
      GroupAdd: HostConfig.GroupAdd,
      SecurityOpt: HostConfig.SecurityOpt.filter((option) => option.startsWith('no-new-privileges')),
      ReadonlyRootfs: HostConfig.ReadonlyRootfs,
      ...(HostConfig.Init && { Init: true }),
      ...(HostConfig.ShmSize > 0 && { ShmSize: HostConfig.ShmSize }),
      Memory: limit(HostConfig.Memory, request.memoryBytes),
      NanoCpus: limit(HostConfig.NanoCpus, Math.round(request.cpus * 1e9)),
      PidsLimit: limit(HostConfig.PidsLimit ?? 0, mostProcesses),
      ...(HostConfig.UsernsMode !== '' && HostConfig.UsernsMode !== 'host' && { UsernsMode: HostConfig.UsernsMode }),
      RestartPolicy: { Name: 'no' },
      NetworkMode: request.network,
      Mounts: request.mounts.map(toMount),
    },
    NetworkingConfig: { EndpointsConfig: { [request.network]: { Aliases: request.aliases } } },
  }
}

const same = (one: string | string[], other: string | string[] | undefined): boolean =>
  other !== undefined && JSON.stringify(one) === JSON.stringify(other)

function toMount(mount: ScratchMount) {
  if (mount.kind === 'memory') return { Type: 'tmpfs', Target: mount.destination }
  return { Type: 'bind', Source: mount.source, Target: mount.destination, ReadOnly: !mount.writable }
}
