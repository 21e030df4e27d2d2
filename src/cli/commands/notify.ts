import { randomUUID } from 'node:crypto'
import { BackupError, reportError } from '../../errors.ts'
import { isHeartbeat, type NotifyAddress } from '../../notify/address.ts'
import type { Beat, Message } from '../../notify/message.ts'
import { send } from '../../notify/send.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderNotifyTest, type TestedAddress } from '../render/notify.ts'

export const notifyCommand: CommandDefinition = {
  kind: 'recall',
  define: (program, choose) =>
    program
      .command('notify')
      .description('the addresses that are told of failures')
      .command('test')
      .description('send one message to each address, whatever its level is')
      .option('--json', 'one JSON document')
      .action(() => choose(test)),
}

/** Exit code 1 where an address has not taken the message. */
async function test(session: Session): Promise<Answer> {
  const { notify } = session.config
  if (notify.length === 0)
    throw new BackupError('CONFIG_INVALID', 'notify is not set, so that nobody is told', { hint })
  const addresses = await Promise.all(notify.map((address) => testAddress(session, address)))
  return {
    document: { addresses },
    text: renderNotifyTest(addresses, session.style),
    outcome: addresses.every(({ taken }) => taken) ? 'complete' : 'failed',
  }
}

const hint = 'Set `notify`, XNAI_BACKUP_NOTIFY or XNAI_BACKUP_NOTIFY_FILE to one or more URLs.'

async function testAddress({ parts, signal }: Session, address: NotifyAddress): Promise<TestedAddress> {
  const { clock, settings } = parts
  const begun = clock.monotonicMs()
  const common = { id: randomUUID(), time: clock.now().toISOString() }
  const stack = settings.project ?? 'xnai-backup'
  const message: Message = { ...common, kind: 'message', stack, items: [item] }
  const beat: Beat = { ...common, kind: 'beat', state: 'test', summary: `${stack}: ${item.text}` }
  const error = await send(address, isHeartbeat(address) ? beat : message, signal).then(() => undefined, reportError)
  signal.throwIfAborted()
  const { kind, level } = address
  const seconds = (clock.monotonicMs() - begun) / 1000
  return { kind, host: address.url().host, level, taken: error === undefined, seconds, ...(error && { error }) }
}

const item = {
  event: 'test',
  state: 'noted',
  level: 'info',
  text: 'this is a test: messages of xnai-backup arrive here',
} as const
