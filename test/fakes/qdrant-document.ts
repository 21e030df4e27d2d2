import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Qdrant's OpenAPI document, reduced to the operations that are needed here and the schemas of their requests. */
const file = join(import.meta.dirname, '../fixtures/qdrant-openapi.json')

interface Schema {
  $ref?: string
  type?: string
  nullable?: boolean
  enum?: unknown[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  minimum?: number
  format?: string
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

export interface Operation {
  parameters: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> }
}

export interface Matched {
  operation: Operation
  /** As in the document: `/collections/{collection_name}`. */
  route: string
  /** Decoded values of the path. */
  path: Record<string, string>
  query: Record<string, string>
}

const document: { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } } =
  JSON.parse(readFileSync(file, 'utf8'))

/** Literal ones first: `aliases` is no collection. */
const routes = Object.entries(document.paths).toSorted(([a], [b]) => a.split('{').length - b.split('{').length)

/** The operation that a request means. Throws where the document knows no such path, method, query key or value. */
export function matchRequest(method: string, url: string): Matched {
  const { pathname, searchParams } = new URL(url, 'http://qdrant')
  for (const [route, methods] of routes) {
    const path = matchPath(route, pathname)
    if (!path) continue
    const operation = methods[method.toLowerCase()]
    if (!operation) throw new Error(`${method} is not allowed on ${route}`)
    const query = Object.fromEntries(searchParams)
    checkParameters(operation, 'query', query)
    checkParameters(operation, 'path', path)
    return { operation, route, path, query }
  }
  throw new Error(`no path ${pathname}`)
}

/** Throws where the body is not what the document allows; a field that it does not name counts as a misspelling. */
export function checkBody(
  method: string,
  { operation, route }: Matched,
  contentType: string | undefined,
  body: unknown,
): void {
  const { requestBody } = operation
  if (!requestBody) {
    if (body !== undefined) throw new Error(`${method} ${route} takes no body`)
    return
  }
  const wanted = Object.keys(requestBody.content)[0] as string
  if (body === undefined && !requestBody.required) return
  if (contentType?.split(';')[0] !== wanted) throw new Error(`${method} ${route} takes ${wanted}, not ${contentType}`)
  const said =
    wanted === 'application/json' ? findFault(requestBody.content[wanted]?.schema ?? {}, body, 'body') : undefined
  if (said) throw new Error(said)
}

function matchPath(route: string, pathname: string): Record<string, string> | undefined {
  const [wanted, given] = [route.split('/'), pathname.split('/')]
  if (wanted.length !== given.length) return undefined
  const values: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = decodeURIComponent(given[index] as string)
    const name = /^\{(.*)\}$/.exec(part)?.[1]
    if (name) values[name] = value
    else if (part !== value) return undefined
  }
  return values
}

function checkParameters({ parameters }: Operation, where: 'query' | 'path', values: Record<string, string>): void {
  const known = parameters.filter((parameter) => parameter.in === where)
  for (const [name, value] of Object.entries(values)) {
    const schema = known.find((parameter) => parameter.name === name)?.schema
    const said = schema ? findFault(schema, parseText(schema, value), name) : `unknown ${where} parameter ${name}`
    if (said) throw new Error(said)
  }
  const missing = known.find(({ name, required }) => required && !(name in values))
  if (missing) throw new Error(`${where} parameter ${missing.name} is missing`)
}

function parseText(schema: Schema, value: string): unknown {
  const { type } = resolve(schema)
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return type === 'integer' || type === 'number' ? Number(value) : value
}

function resolve(schema: Schema): Schema {
  if (!schema.$ref) return schema
  const name = schema.$ref.split('/').at(-1) as string
  const found = document.components.schemas[name]
  if (!found) throw new Error(`the document lacks ${name}`)
  return resolve(found)
}

/** The first thing that is wrong with a value, in words. */
function findFault(from: Schema, value: unknown, at: string): string | undefined {
  const schema = resolve(from)
  if (value === null)
    return schema.nullable || schema.anyOf?.some(({ nullable }) => nullable) ? undefined : `${at} is null`
  const ways = schema.anyOf ?? schema.oneOf
  if (ways) {
    const faults = ways.map((way) => findFault(way, value, at))
    return faults.includes(undefined) ? undefined : faults.join('; or ')
  }
  if (schema.allOf) return schema.allOf.map((part) => findFault(part, value, at)).find(Boolean)
  if (schema.enum) return schema.enum.includes(value) ? undefined : `${at} is not one of ${schema.enum.join(', ')}`
  if (schema.type === 'object') return findObjectFault(schema, value, at)
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return `${at} is no array`
    return value.map((item, index) => findFault(schema.items ?? {}, item, `${at}[${index}]`)).find(Boolean)
  }
  return findScalarFault(schema, value, at)
}

function findObjectFault({ properties = {}, required = [], additionalProperties }: Schema, value: unknown, at: string) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${at} is no object`
  const missing = required.find((name) => !(name in value))
  if (missing) return `${at}.${missing} is missing`
  for (const [name, field] of Object.entries(value)) {
    const schema = properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
    if (!schema && additionalProperties !== true) return `${at}.${name} is not known`
    const said = schema && findFault(schema, field, `${at}.${name}`)
    if (said) return said
  }
  return undefined
}

function findScalarFault({ type, minimum, nullable, format }: Schema, value: unknown, at: string): string | undefined {
  if (type === undefined) return nullable ? `${at} is not null` : undefined
  const isRight = type === 'integer' ? Number.isInteger(value) : typeof value === type
  if (!isRight) return `${at} is no ${type}`
  if (minimum !== undefined && (value as number) < minimum) return `${at} is less than ${minimum}`
  const isUuid = format !== 'uuid' || /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(value as string)
  return isUuid ? undefined : `${at} is no UUID`
}
