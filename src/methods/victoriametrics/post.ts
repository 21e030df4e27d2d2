import { beginRequest, firstAnswer, type HttpServer, readText } from '../shared/http.ts'

export interface Form {
  path: string
  fields: Record<string, string>
  /** Login of HTTP basic authentication as `user:password`. */
  login?: string
  /** The longest answer that is read. Default: 64 MiB. */
  mostBytes?: number
}

export interface Answer {
  status: number
  text: string
  /** Whether the server asks for a user and a password. */
  wantsLogin: boolean
}

/**
 * Sends a POST with all fields in the body, since addresses end up in logs. Rejects with an error of the connection, or with INTERNAL for
 * an answer that is too long.
 */
export async function post(
  server: HttpServer,
  { path, fields, login, mostBytes }: Form,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const head = { method: 'POST', path, headers, ...(login && { auth: login }) }
  const request = beginRequest(server, head, signal)
  const answer = firstAnswer(request)
  request.end(new URLSearchParams(fields).toString())
  const response = await answer
  const wantsLogin = response.headers['www-authenticate'] !== undefined
  return { status: response.statusCode ?? 0, text: await readText(response, mostBytes), wantsLogin }
}
