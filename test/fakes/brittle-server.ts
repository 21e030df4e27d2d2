import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { BackupError } from '../../src/errors.ts'
import type { WholeMethod } from '../support/whole-method.ts'

/**
 * A method for a server whose only data is the file `/data/word`, dumped as a stream. The server is broken where that file is not there or
 * says `broken`: no dump succeeds then. Where it says `dead`, the server does not start either.
 */
export const brittleServer: WholeMethod<'redis'> = {
  kind: 'redis',
  needsRunning: true,
  paths: () => [],
  dataPaths: () => ['/data'],
  startsAnew: () => true,
  async *capture(ctx) {
    const word = read(ctx.hostPath('/data'))
    if (word === 'dead') throw new BackupError('SERVICE_DOWN', 'it does not answer')
    if (word === undefined || word === 'broken') throw new BackupError('DUMP_FAILED', 'the dump broke off')
    yield { kind: 'stream', name: 'dump', open: async () => Readable.from([Buffer.from(word)]) }
  },
  async preflight(ctx) {
    if (read(ctx.hostPath('/data')) === 'dead') throw new BackupError('SERVICE_DOWN', 'it does not answer')
  },
  async restore(ctx, _spec, snapshot) {
    if ((await ctx.service.state()) !== 'running') await ctx.service.start()
    const folder = ctx.hostPath('/data')
    if (read(folder) === 'dead') throw new BackupError('UNHEALTHY', 'it ended at once')
    await ctx.service.stop()
    writeFileSync(join(folder, 'half'), 'half')
    writeFileSync(join(folder, 'word'), await text(await snapshot.open('dump')))
    return []
  },
  async prove(ctx) {
    const word = read(ctx.hostPath('/data'))
    return [{ name: 'word', expected: 'no refusal', actual: String(word), ok: word !== 'refused' }]
  },
}

function read(folder: string): string | undefined {
  const file = join(folder, 'word')
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
