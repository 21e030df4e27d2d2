import { expect, test } from 'vitest'
import { findHostAddress } from '../../../src/job/host-address.ts'
import { container } from '../plan/build.ts'

const bridged = container('self', { networks: [{ name: 'shop', address: '10.0.0.2', gateway: '10.0.0.1' }] })
const podman = '127.0.0.1 localhost\n10.9.0.1\thost.containers.internal host.docker.internal # by the engine\n'

test('on the host, and on its network, the host is this machine', () => {
  expect(findHostAddress(undefined, '')).toBe('127.0.0.1')
  expect(findHostAddress(container('self', { onHostNetwork: true }), podman)).toBe('127.0.0.1')
})

test('the name that the engine wrote comes before the gateway', () => {
  expect(findHostAddress(bridged, podman)).toBe('10.9.0.1')
  expect(findHostAddress(bridged, '172.17.0.1 host.docker.internal\n')).toBe('172.17.0.1')
  expect(findHostAddress(bridged, '# 10.9.0.1 host.containers.internal\n')).toBe('10.0.0.1')
})

test('without either there is none', () => {
  expect(findHostAddress(container('self'), '127.0.0.1 localhost\n')).toBeUndefined()
})
