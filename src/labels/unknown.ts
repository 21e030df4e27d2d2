import { nearest } from './nearest.ts'
import { type Entry, problemOf, shownUnder, soundsSecret } from './problem.ts'
import { type LabelProblem, type MethodKind, methodKinds } from './spec.ts'
import { belongsTo, containerRows, methodRow, namedPrefix, places, prefix } from './table.ts'
import { masked } from './text.ts'

const targetKeys = [methodRow.key, ...places.keys()]
const containerKeys: string[] = Object.values(containerRows).map((row) => row.key)

/** A key that the table does not hold, with the key that was most likely meant. `method`: the target's, where it is known. */
export function unknownKey(entry: Entry, method?: MethodKind): LabelProblem {
  const near = nearestKey(entry, method)
  const typing = !soundsSecret(entry.key) || isTyping(entry, near)
  if (typing) return problemOf(entry.label, shownUnder(entry.key, entry.value), 'is no label of xnai-backup', near)
  const reason = 'a secret must not stand in a label; name the variable of the container that holds it'
  return problemOf(entry.label, masked, reason, secretKey(entry, method))
}

function nearestKey({ base, key }: Entry, method: MethodKind | undefined): string | undefined {
  const dotted = dottedName(base, key)
  if (dotted) return dotted
  const ofContainer = nearest(key, base === prefix ? [...targetKeys, ...containerKeys] : targetKeys)
  const ofMethod = method && nearest(`${method}.${key}`, ofOneMethod(method), 2)
  const found = ofMethod ?? ofContainer
  return found && `${base}${found}`
}

const ofOneMethod = (method: MethodKind): string[] => targetKeys.filter((key) => key.startsWith(`${method}.`))

/** `xnai.backup.target.my.db.method`: the name of a target holds no dots. */
function dottedName(base: string, key: string): string | undefined {
  if (base === prefix) return undefined
  const end = targetKeys.find((each) => key.endsWith(`.${each}`))
  if (end === undefined) return undefined
  const name = `${base.slice(namedPrefix.length)}${key.slice(0, -end.length)}`.split('.').filter(Boolean).join('-')
  return `${namedPrefix}${name}.${end}`
}

/** A slip of one or two letters in a label that names a variable or a file. */
function isTyping({ base, key }: Entry, near: string | undefined): boolean {
  return near !== undefined && nearest(key, [near.slice(base.length)], 2) !== undefined
}

function secretKey({ base, key }: Entry, method: MethodKind | undefined): string | undefined {
  const owner = methodKinds.find((kind) => key.startsWith(`${kind}.`)) ?? method
  const found = owner && ofOneMethod(owner).find((each) => each.endsWith('-env'))
  return found && `${base}${found}`
}

/** A label of the table on a target whose method does not know it. */
export function foreignOption(entry: Entry, method: MethodKind, shown: string): LabelProblem {
  const owners = methodKinds.filter((kind) => belongsTo(places.get(entry.key)?.row ?? methodRow, kind))
  const reason = `belongs to ${owners.join(' and ')}, but the method of this target is ${method}`
  const same = `${method}.${entry.key.slice(entry.key.indexOf('.') + 1)}`
  return problemOf(entry.label, shown, reason, places.has(same) ? `${entry.base}${same}` : undefined)
}
