import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { eventually, type Lab } from './lab.ts'

const runFile = promisify(execFile)

/** A password of this run alone: other tests, on the same machine at the same time, show theirs on command lines. */
export const newSecret = (what: string): string => `${what}-never-to-be-seen-${randomBytes(8).toString('hex')}`

/** Folders in which the product keeps something. */
export interface Kept {
  /** Of a repository only the manifests are looked at: data may be secret. */
  repository?: string
  /** All files in it. */
  state: string
}

/** A service may be silent; and a bench, all of whose captures must fail, stores nothing. */
const mayBeEmpty = new Set(['logs of the services', 'state'])

/**
 * P9: none of a lab's secrets stands in what the product said, kept and ran, nor in what a container shows of itself.
 */
export async function expectNone(lab: Lab, { repository, state }: Kept): Promise<void> {
  const { secrets, said, commandLines } = lab.witness
  assert.ok(secrets.size > 0, 'there is no secret to look for')
  const places: Record<string, string> = {
    labels: await allLabels(lab),
    'logs of the services': await allLogs(lab),
    'output and log': said.join('\n'),
    'command lines': [...commandLines].join('\n'),
    state: await textOf(lab, state, '*'),
    ...(repository !== undefined && { manifests: await textOf(lab, repository, '*.json') }),
  }
  const placesWhere = (isSo: (text: string) => boolean) =>
    Object.keys(places).filter((place) => isSo(places[place] ?? ''))
  const found = placesWhere((text) => secrets.values().some((secret) => text.includes(secret)))
  assert.deepEqual(found, [], `a secret stands in ${found.join(', ')}`)
  const empty = placesWhere((text) => text.trim() === '').filter((place) => !mayBeEmpty.has(place))
  assert.deepEqual(empty, [], `nothing was looked at in ${empty.join(', ')}`)
}

const inspectAll = async (lab: Lab) => Promise.all((await lab.list()).map((name) => lab.inspect(name)))

async function allLabels(lab: Lab): Promise<string> {
  return (await inspectAll(lab)).map(({ Config }) => JSON.stringify(Config.Labels)).join('\n')
}

/** Standard output and error of every container so far: a server may write down what it is told. */
async function allLogs(lab: Lab): Promise<string> {
  // Docker has it at the top.
  const paths = (await inspectAll(lab)).map(({ LogPath, HostConfig }) => HostConfig.LogConfig.Path || LogPath || '')
  const files = paths.filter((path) => path !== '' && existsSync(path))
  return files.map((path) => readFileSync(path, 'latin1')).join('\n')
}

/** Files of an ordinary user's containers are that user's own only in its namespace. Again where one went meanwhile. */
async function textOf(lab: Lab, folder: string, name: string): Promise<string> {
  const find = [folder, '-type', 'f', '-name', name, '-exec', 'cat', '{}', '+']
  const read = async () =>
    process.getuid?.() === 0
      ? await runFile('find', find, { maxBuffer: 2 ** 28 })
      : { stdout: await lab.podman(['unshare', 'find', ...find]) }
  return (await eventually(read, 10, `files ${name} in ${folder} are read`)).stdout
}
