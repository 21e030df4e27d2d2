import { BackupError } from '../errors.ts'
import { isLoopback } from '../lib/loopback.ts'
import { decode } from './address.ts'
import { type Message, textOf, titleOf } from './message.ts'

/**
 * Hands a message to a mail server. A login is sent over TLS only, but to the own machine. AUTH_FAILED and NOTIFY_FAILED do not repeat
 * what the server said, which may quote the login.
 */
export async function sendMail(url: URL, message: Message, signal: AbortSignal): Promise<void> {
  const { createTransport } = await import('nodemailer')
  const secure = url.protocol === 'smtps:'
  const auth = url.username === '' ? undefined : { user: decode(url.username), pass: decode(url.password) }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const transport = createTransport({
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && auth !== undefined && !isLoopback(host),
    ...(auth && { auth }),
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const end = () => transport.close()
  signal.addEventListener('abort', end, { once: true })
  try {
    const to = url.searchParams.get('to') ?? ''
    const from = url.searchParams.get('from') ?? to.split(',')[0]
    const headers = { 'Auto-Submitted': 'auto-generated' }
    await transport.sendMail({ from, to, subject: titleOf(message), text: `${textOf(message)}\n`, headers })
  } catch (cause) {
    signal.throwIfAborted()
    throw explain(cause as Error & { code?: string; responseCode?: number })
  } finally {
    signal.removeEventListener('abort', end)
    transport.close()
  }
}

const stepMs = 10_000

/** Only codes: the words of a server or of the library may repeat the login or the address. */
function explain({ code = 'no code', responseCode }: { code?: string; responseCode?: number }): BackupError {
  const answer = responseCode === undefined ? code : `${code}, answer ${responseCode}`
  return new BackupError('NOTIFY_FAILED', `the mail server did not take it (${answer})`)
}
