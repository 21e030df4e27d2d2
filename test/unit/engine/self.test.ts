import { describe, expect, test } from 'vitest'
import { findSelf, selfCandidates } from '../../../src/engine/self.ts'
import { fakeEngine } from '../../fakes/engine.ts'

const id = '38b8a7e960b6f2a06670efdc4be4dce42efe19f1cc36c2ac196fe6d04a0594b4'
const other = 'e5c3265ae84bef1582a91ac27aff681b29bccfa2d3adce16ac7ba0f5f6de7c20'
const { signal } = new AbortController()
const nothing = { hostname: 'debian', mountinfo: '', containerenv: '' }
const mount = (root: string, point: string) => `648 620 0:23 ${root} ${point} rw,nosuid - tmpfs tmpfs rw\n`
const podman = mount(`/containers/storage/overlay-containers/${id}/userdata/hostname`, '/etc/hostname')
const docker = mount(`/var/lib/docker/containers/${id}/resolv.conf`, '/etc/resolv.conf')
const foreign = mount(`/containers/storage/overlay-containers/${other}/userdata/shm`, '/host/var/lib/shm')

describe('the container this process runs in', () => {
  test.each([
    ['on the host there is none', nothing, []],
    ['Podman notes it for privileged containers', { ...nothing, containerenv: `engine="podman"\nid="${id}"\n` }, [id]],
    ['an empty note says nothing', { ...nothing, containerenv: '' }, []],
    ['Podman mounts files of its directory', { ...nothing, mountinfo: podman }, [id]],
    ['Docker does so too', { ...nothing, mountinfo: docker }, [id]],
    ['other containers seen through the host mount do not count', { ...nothing, mountinfo: foreign + podman }, [id]],
    [
      'the host name is the short id unless told otherwise',
      { ...nothing, hostname: id.slice(0, 12) },
      [id.slice(0, 12)],
    ],
    ['the same id from two sides is one', { hostname: 'x', mountinfo: podman, containerenv: `id="${id}"` }, [id]],
  ])('%s', (_sentence, traces, expected) => {
    expect(selfCandidates(traces)).toEqual(expected)
  })

  test('is what the engine knows under that id', async () => {
    const engine = fakeEngine({ containers: [{ name: 'xnai-backup', id }] })
    expect((await findSelf(engine, signal, { ...nothing, mountinfo: podman }))?.name).toBe('xnai-backup')
  })

  test('is unknown to the engine of another machine', async () => {
    expect(await findSelf(fakeEngine(), signal, { ...nothing, mountinfo: podman })).toBeUndefined()
  })

  test('is not a container that merely bears the machine’s name', async () => {
    const engine = fakeEngine({ containers: [{ name: 'abcdef012345' }] })
    expect(await findSelf(engine, signal, { ...nothing, hostname: 'abcdef012345' })).toBeUndefined()
  })
})
