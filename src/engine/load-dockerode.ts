import { createRequire } from 'node:module'
import type Docker from 'dockerode'

const ours = createRequire(import.meta.url)
const dockerodes = createRequire(ours.resolve('dockerode'))
const modems = createRequire(dockerodes.resolve('docker-modem'))

/**
 * What dockerode loads for image builds and for addresses of the kind ssh://, neither of which this program uses. It is three quarters of
 * dockerode's files: 18 MiB and the longer half of the time to load it, in every call of the program.
 */
const unused: [require: NodeJS.Require, name: string][] = [
  [dockerodes, '@grpc/grpc-js'],
  [dockerodes, '@grpc/proto-loader'],
  [dockerodes, 'tar-fs'],
  [modems, 'ssh2'],
]

/** Loads dockerode with empty modules in place of those that are not used. Node's cache of modules is where `require` looks first. */
function load(): typeof Docker {
  for (const [require, name] of unused) {
    const path = require.resolve(name)
    ours.cache[path] ??= emptyModule(path)
  }
  return ours('dockerode') as typeof Docker
}

const emptyModule = (path: string) =>
  ({ id: path, filename: path, path, loaded: true, exports: {}, children: [], paths: [] }) as unknown as NodeJS.Module

export const DockerClient = load()
