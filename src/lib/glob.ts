/**
 * Glob patterns that are matched in linear time, whoever wrote them: `*`, `?`, `[a-z]`, `[^a-z]`, `{a,b}`, `\` before a character that is
 * meant literally, and `**` for any number of folders. A name with a dot at its start is a name like others.
 */

/** Alternatives that the braces of one pattern may make. */
const mostAlternatives = 256

/** Says why a pattern is none of these, to complete "the pattern …"; undefined where it is one. */
export function explainGlob(pattern: string): string | undefined {
  const plain = pattern.replaceAll(/\\./gs, '')
  if (/[()|]/.test(plain))
    return 'must not hold ( ) or |, which are no part of a plain glob: write {a,b}, or \\( for a name'
  if (plain.includes('"')) return 'must not hold ": write \\" for a name'
  if (/[\]}]\+/.test(plain)) return 'must not hold + after ] or }: write \\+ for a name'
  if (plain.includes('[!')) return 'must not hold [!…]: write [^…]'
  if (/\{[^{},]*\.\.[^{},]*\}/.test(plain)) return 'must not hold a range in braces: write [0-9], or {1,2,3}'
  if (!isBalanced(plain))
    return 'must close each [ and {, and part the words in braces by commas: write \\[ or \\{ for a name'
  return expandBraces(pattern) ? undefined : `must not stand for more than ${mostAlternatives} patterns`
}

/** Classes hold plain characters only. Braces are taken out from the innermost on. */
function isBalanced(plain: string): boolean {
  let rest = plain.replaceAll(/\[\^?[^[\]{},^!/]+\]/g, '')
  for (let before = ''; before !== rest; ) {
    before = rest
    rest = rest.replaceAll(/\{[^{}]*,[^{}]*\}/g, '')
  }
  return !/[[\]{}]/.test(rest)
}

/** Whether the pattern matches a whole path, or is that path itself. The pattern MUST be one that `explainGlob` has no objection to. */
export function globMatcher(pattern: string): (path: string) => boolean {
  const alternatives = (expandBraces(pattern) ?? []).map((one) => one.split('/').map(parseStep))
  return (path) => {
    const names = path.split('/')
    return path === pattern || alternatives.some((steps) => matchAll(steps, names, isFolders, matchName))
  }
}

/** A step of a path: any number of folders, or the parts of one name. */
type Step = typeof folders | Part[]
type Part = typeof anything | ((character: string) => boolean)
const folders = Symbol('any number of folders')
const anything = Symbol('any number of characters')

const isFolders = (step: Step): step is typeof folders => step === folders
const isAnything = (part: Part): part is typeof anything => part === anything

const matchName = (step: Step, name: string): boolean =>
  step !== folders && matchAll(step, name, isAnything, (part, character) => part !== anything && part(character))

/**
 * Whether the pattern takes all items; a wildcard takes any number of them. It goes back to the last wildcard only, because what an
 * earlier one could take is no better: the time is bounded by the product of the lengths.
 */
function matchAll<P, I>(
  pattern: P[],
  items: ArrayLike<I>,
  isWildcard: (part: P) => boolean,
  fits: (part: P, item: I) => boolean,
): boolean {
  let at = 0
  let wildcard = -1
  let resume = 0
  for (let index = 0; index < items.length; ) {
    const part = pattern[at]
    if (part !== undefined && isWildcard(part)) {
      wildcard = at
      resume = index
      at += 1
    } else if (part !== undefined && fits(part, items[index] as I)) {
      at += 1
      index += 1
    } else if (wildcard >= 0) {
      resume += 1
      index = resume
      at = wildcard + 1
    } else return false
  }
  return pattern.slice(at).every(isWildcard)
}

const tokens = /\\(.)|(\*+)|(\?)|\[(\^?)(\]?(?:\\.|[^\]\\])*)\]|(.)/gsu

function parseStep(text: string): Step {
  if (text === '**') return folders
  return Array.from(text.matchAll(tokens), ([all, escaped, star, any, negation, members, plain]): Part[] => {
    if (star !== undefined) return [anything]
    if (any !== undefined) return [() => true]
    if (members !== undefined) {
      const holds = parseMembers(members)
      return [negation === '' ? holds : (character) => !holds(character)]
    }
    // A character beyond the basic plane is two units, as the names are compared by unit.
    return (escaped ?? plain ?? all).split('').map((unit) => (character: string) => character === unit)
  }).flat()
}

/** The members of a class such as `a-z_`. */
function parseMembers(text: string): (character: string) => boolean {
  const ranges = Array.from(text.matchAll(/(\\.|[^\\])(?:-(\\.|[^\\]))?/gs), ([, first = '', last = first]) => ({
    first: first.slice(-1),
    last: last.slice(-1),
  }))
  return (character) => ranges.some(({ first, last }) => first <= character && character <= last)
}

/** The patterns that the braces stand for, the innermost replaced first; undefined where there are too many. */
export function expandBraces(pattern: string): string[] | undefined {
  const done: string[] = []
  const open = [pattern]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (done.length + open.length >= mostAlternatives) return undefined
    const braces = findBraces(next)
    if (!braces) done.push(next)
    else {
      const { start, end, words } = braces
      for (const word of words) open.push(next.slice(0, start) + word + next.slice(end))
    }
  }
  return done
}

/** The first braces that hold no other ones and have a comma. Escaped characters and classes are passed over. */
function findBraces(pattern: string): { start: number; end: number; words: string[] } | undefined {
  let start = -1
  let commas: number[] = []
  for (const { 0: token, index } of pattern.matchAll(/\\.|\[\^?\]?(?:\\.|[^\]\\/])*\]|./gs)) {
    if (token === '{') {
      start = index
      commas = []
    } else if (token === ',' && start >= 0) commas.push(index)
    else if (token === '}' && start >= 0) {
      const cuts = [start, ...commas, index]
      if (commas.length > 0) {
        const words = cuts.slice(1).map((cut, count) => pattern.slice((cuts[count] as number) + 1, cut))
        return { start, end: index + 1, words }
      }
      start = -1
    }
  }
  return undefined
}
