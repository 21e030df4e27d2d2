import { refuseRestore } from '../shared/refuse.ts'
import type { Account } from './accounts.ts'
import type { ServerFacts } from './server-facts.ts'

/** A text behind one of these words is a password, a hash or a remark, and may hold any other word. */
const texts = /\b(USING|AS|BY|PASSWORD|COMMENT|ATTRIBUTE|ISSUER|SUBJECT|CIPHER)(\s*\(?\s*)'(?:[^'\\]|\\.|'')*'/g
const quotedNames = /`(?:[^`]|``)*`/g

/**
 * The names of the plugins that check the password of an account, from its CREATE USER as the server shows it. Empty where no plugin is
 * named: then it is one that every server has.
 */
export function pluginsOf(create: string): string[] {
  const plain = create.replace(quotedNames, 'name').replace(texts, '$1')
  const methods = plain.match(/\bIDENTIFIED (?:VIA|WITH) .*/)?.[0] ?? ''
  return [...methods.matchAll(/\b(?:VIA|WITH|OR)\s+'?(\w+)'?(?=\s|$|')/g)]
    .map(([, name = '']) => name)
    .filter((name) => !limits.test(name))
}

/** The words that may follow WITH at the end of a CREATE USER. */
const limits = /^(MAX_\w+|GRANT)$/i

/** RESTORE_REFUSED where an account needs a plugin that is not active in the server: it would be dropped, and could not be made anew. */
export function refuseMissingPlugins(accounts: Account[], { plugins }: Pick<ServerFacts, 'plugins'>): void {
  const active = new Set(plugins.filter(({ type }) => type === 'AUTHENTICATION').map(({ name }) => name.toLowerCase()))
  const needs = accounts.flatMap(({ user, host, create }) =>
    pluginsOf(create)
      .filter((plugin) => !active.has(plugin.toLowerCase()))
      .map((plugin) => ({ plugin, account: `${user}@${host}` })),
  )
  const [first] = needs
  if (!first) return
  const names = needs.filter(({ plugin }) => plugin === first.plugin).map(({ account }) => account)
  refuseRestore(
    `the server lacks the plugin ${first.plugin}, by which ${names.join(', ')} log in`,
    'Enable the plugin in the server, or use an image that has it.',
  )
}
