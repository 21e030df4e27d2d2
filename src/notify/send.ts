import { BackupError } from '../errors.ts'
import { settleWith, withDeadline } from '../lib/deadline.ts'
import type { NotifyAddress } from './address.ts'
import { sendMail } from './mail.ts'
import type { Beat, Message } from './message.ts'
import { type HttpRequest, requests } from './requests.ts'

/** A service that has not answered by then is tried again later. */
const answerSeconds = 20
/** More of an answer than that is not read. */
const mostAnswerBytes = 4096

/**
 * Hands one notification to one address, and resolves when it was taken. NOTIFY_FAILED and TIMEOUT name the kind and the host of the
 * address and nothing else of it. What the service has no use for counts as taken.
 */
export async function send(
  address: NotifyAddress,
  notification: Message | Beat,
  signal: AbortSignal,
  seconds = answerSeconds,
): Promise<void> {
  using deadline = withDeadline(signal, seconds, `${address.name} did not answer`)
  try {
    await settleWith(deadline, () => deliver(address, notification, deadline))
  } catch (error) {
    signal.throwIfAborted()
    if (deadline.aborted) throw deadline.reason
    throw withName(address, error)
  }
}

async function deliver(address: NotifyAddress, notification: Message | Beat, signal: AbortSignal): Promise<void> {
  const url = address.url()
  if (address.kind === 'smtp') {
    if (notification.kind === 'message') await sendMail(url, notification, signal)
    return
  }
  for (const request of requests[address.kind](url, notification)) await exchange(request, signal)
}

/** A redirect is not followed: it could carry the secrets of the address to another host. */
async function exchange({ url, accepts, isTaken, ...init }: HttpRequest, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { ...init, redirect: 'manual', signal })
  const body = await readSome(response)
  const isAccepted = accepts ? accepts.includes(response.status) : response.ok
  if (!isAccepted) throw new BackupError('NOTIFY_FAILED', `answered ${response.status}`)
  if (isTaken && !isTaken(body)) throw new BackupError('NOTIFY_FAILED', 'knows no such address')
}

async function readSome(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > mostAnswerBytes) break
  }
  return text
}

/** The message of a failed connection names an address of the network; only its code is repeated. */
function withName({ name }: NotifyAddress, error: unknown): BackupError {
  if (error instanceof BackupError) return new BackupError('NOTIFY_FAILED', `${name}: ${error.message}`)
  const { code } = ((error as Error).cause ?? {}) as { code?: string }
  return new BackupError('NOTIFY_FAILED', `${name} cannot be reached (${code ?? 'no connection'})`)
}
