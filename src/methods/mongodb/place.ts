import type { MethodOptions } from '../../labels/spec.ts'

type Options = MethodOptions['mongodb']

/**
 * The address by which mongosh reaches the server from within its own container. A certificate names the host that clients use and not
 * this one; its authority is checked where a label names it.
 */
export function shellAddress({ port, tls, cacert }: Options): string {
  const authority = cacert
    ? { tlsCAFile: cacert, tlsAllowInvalidHostnames: true }
    : { tlsAllowInvalidCertificates: true }
  const options = { directConnection: true, serverSelectionTimeoutMS: 10_000, ...(tls && { tls, ...authority }) }
  const pairs = Object.entries(options).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return `mongodb://127.0.0.1:${port}/?${pairs.join('&')}`
}

/**
 * The same for mongodump and mongorestore. They check the authority together with the name or neither of them
 * (https://www.mongodb.com/docs/database-tools/mongodump/#std-option-mongodump.--tlsInsecure); mongosh has asked the server before.
 */
export function toolPlace({ port, tls, cacert }: Options): string[] {
  const authority = cacert ? ['--sslCAFile', cacert] : []
  return ['--port', String(port), ...(tls ? ['--ssl', '--tlsInsecure', ...authority] : [])]
}
