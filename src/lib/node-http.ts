/**
 * `node:http` as CommonJS sees it. An import reads all exports of a built-in module, and so loads the whole of undici
 * for `WebSocket`: 16 MiB and 60 ms of a processor in every process.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')
