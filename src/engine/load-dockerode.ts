import { createRequire } from 'node:module'
import type Docker from 'dockerode'
import { leaveOut } from '../lib/leave-out.ts'

const ours = createRequire(import.meta.url)
const dockerodes = createRequire(ours.resolve('dockerode'))
const modems = createRequire(dockerodes.resolve('docker-modem'))

/**
 * What dockerode loads for image builds and for addresses of the kind ssh://, neither of which this program uses. It is three quarters of
 * dockerode's files: 18 MiB and the longer half of the time to load it, in every call of the program.
 */
for (const name of ['@grpc/grpc-js', '@grpc/proto-loader', 'tar-fs']) leaveOut(dockerodes, name)
leaveOut(modems, 'ssh2')

export const DockerClient = ours('dockerode') as typeof Docker
