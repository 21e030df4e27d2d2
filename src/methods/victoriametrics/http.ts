import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'

/** Where the server listens. */
export interface HttpPlace {
  host: string
  port: number
  tls: boolean
  /** Login of HTTP basic authentication as `user:password`. */
  login?: string
}

export interface Answer {
  status: number
  text: string
  /** Whether the server asks for a user and a password. */
  wantsLogin: boolean
}

/** Sends a POST with all fields in the body, since addresses end up in logs. Rejects with an error of the connection. */
export async function post(
  { login, tls, ...place }: HttpPlace,
  path: string,
  fields: Record<string, string>,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const options = { ...place, path, method: 'POST', headers, signal, agent: false, ...(login && { auth: login }) }
  // A certificate names the host that clients use and not this address, which comes from the engine and is therefore trusted.
  const request = tls ? tlsRequest({ ...options, rejectUnauthorized: false }) : plainRequest(options)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).on('error', reject)
    request.end(new URLSearchParams(fields).toString())
  })
  const wantsLogin = response.headers['www-authenticate'] !== undefined
  return { status: response.statusCode ?? 0, text: await text(response), wantsLogin }
}
