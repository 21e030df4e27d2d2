import { describe, expect, test } from 'vitest'
import { toCreateBody } from '../../../src/engine/scratch-body.ts'

const id = 'a'.repeat(64)
const request = {
  ...{ name: 'xnai-scratch-run-db', like: id, imageId: 'sha256:1', labels: { one: 'label' }, network: 'private' },
  ...{ aliases: ['db'], mounts: [], memoryBytes: 1024, cpus: 2 },
}

const original = (config: object = {}, host: object = {}) => ({
  Id: id,
  Config: {
    ...{ Env: ['MODE=own', 'PATH=/bin'], Cmd: ['server'], Entrypoint: ['/entry'], User: '999', WorkingDir: '/data' },
    ...{ Hostname: id.slice(0, 12), Labels: { 'xnai.backup.enable': 'true' }, ...config },
  },
  HostConfig: host,
})

describe('the request for a scratch container', () => {
  test('has program, environment and user of the original, and no label of it', () => {
    const body = toCreateBody(original(), undefined, request)
    expect(body).toMatchObject({
      ...{ Image: 'sha256:1', Env: ['MODE=own', 'PATH=/bin'], Cmd: ['server'], Entrypoint: ['/entry'], User: '999' },
      ...{ WorkingDir: '/data', Labels: { one: 'label' }, Healthcheck: { Test: ['NONE'] } },
    })
    expect(body).not.toHaveProperty('Hostname')
  })

  test('has nothing that leads out of the container', () => {
    const host = {
      ...{ Privileged: true, PublishAllPorts: true, PortBindings: { '80/tcp': [{ HostPort: '80' }] }, PidMode: 'host' },
      ...{ Devices: [{ PathOnHost: '/dev/sda' }], Binds: ['/:/host'], NetworkMode: 'host', IpcMode: 'host' },
      ...{ CapAdd: ['SYS_ADMIN', 'CAP_IPC_LOCK', 'ALL', 'DAC_READ_SEARCH'], CapDrop: ['NET_RAW'], UsernsMode: 'host' },
      ...{ SecurityOpt: ['seccomp=unconfined', 'no-new-privileges:true'], RestartPolicy: { Name: 'always' } },
      ...{ ExtraHosts: ['db:10.0.0.1'], AutoRemove: true },
    }
    const { HostConfig } = toCreateBody(original({}, host), undefined, request)
    expect(Object.keys(HostConfig).toSorted()).toEqual([
      ...['CapAdd', 'CapDrop', 'GroupAdd', 'Memory', 'Mounts', 'NanoCpus', 'NetworkMode', 'PidsLimit'],
      ...['ReadonlyRootfs', 'RestartPolicy', 'SecurityOpt'],
    ])
    expect(HostConfig).toMatchObject({
      ...{ CapAdd: ['CAP_IPC_LOCK'], CapDrop: ['NET_RAW'], SecurityOpt: ['no-new-privileges:true'] },
      ...{ NetworkMode: 'private', RestartPolicy: { Name: 'no' }, Mounts: [] },
    })
  })

  test.each([
    ['those of the request', {}, { Memory: 1024, NanoCpus: 2e9, PidsLimit: 4096 }],
    [
      'lower ones of the original',
      { Memory: 512, NanoCpus: 1e9, PidsLimit: 100 },
      { Memory: 512, NanoCpus: 1e9, PidsLimit: 100 },
    ],
    [
      'never higher ones',
      { Memory: 4096, NanoCpus: 8e9, PidsLimit: -1 },
      { Memory: 1024, NanoCpus: 2e9, PidsLimit: 4096 },
    ],
  ])('has limits: %s', (_, host, limits) => {
    expect(toCreateBody(original({}, host), undefined, request).HostConfig).toMatchObject(limits)
  })

  test('leaves to another image what the original has from its own one', () => {
    const image = {
      Config: { Env: ['PATH=/bin'], Cmd: ['server'], Entrypoint: ['/entry'], User: '999', WorkingDir: '/data' },
    }
    const body = toCreateBody(original(), image, request)
    expect(body.Env).toEqual(['MODE=own'])
    for (const key of ['Cmd', 'Entrypoint', 'User', 'WorkingDir']) expect(body).not.toHaveProperty(key)
    const own = toCreateBody(original({ Cmd: ['server', '--own'] }), image, request)
    expect(own).toMatchObject({ Cmd: ['server', '--own'], Entrypoint: ['/entry'] })
  })

  test('keeps a host name that was chosen, and drops the variable that repeats it', () => {
    const body = toCreateBody(original({ Hostname: 'db1', Env: ['HOSTNAME=db1'] }), undefined, request)
    expect(body).toMatchObject({ Hostname: 'db1', Env: [] })
  })
})
