import { isBuiltin } from 'node:module'
import type { Plugin } from 'rolldown'

/** An import line as rolldown writes it: what is imported, and from where. */
const line = /^import (?:(\w[\w$]*)|\* as (\w[\w$]*))?(?:, )?(?:\{ ([^}]*) \})? from "([^"]+)";$/gm

/**
 * Takes built-in modules as CommonJS has them. An import of one reads all that it exports, and so loads parts of Node that nobody asked for:
 * that of `node:http` the whole of undici, 16 MiB and 60 ms of a processor.
 */
export const takeBuiltIns: Plugin = {
  name: 'built-ins',
  renderChunk: (code) =>
    code.replace(line, (whole, name: string | undefined, all: string | undefined, names: string | undefined, from) => {
      if (!isBuiltin(from)) return whole
      const module = `globalThis.process.getBuiltinModule("${from}")`
      const bindings = [name ?? all, names && `{ ${names.replaceAll(' as ', ': ')} }`].filter(Boolean)
      return bindings.map((one) => `const ${one} = ${module};`).join(' ')
    }),
}
