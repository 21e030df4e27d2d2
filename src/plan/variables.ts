import type { ContainerFacts } from '../engine/engine.ts'
import { methodRows } from '../labels/method-rows.ts'
import { nearest } from '../labels/nearest.ts'
import type { AnyRow } from '../labels/row.ts'
import type { LabelProblem, MethodKind, TargetSpec } from '../labels/spec.ts'
import { masked } from '../labels/text.ts'
import { labelProblem } from './problems.ts'

/**
 * Answers the problems of labels that name a variable which the container does not have. Of a container that is gone no variables are
 * known. The value of such a label is never shown, because a secret is easily written there by mistake.
 */
export function explainVariables(container: ContainerFacts, target: string, spec: TargetSpec): LabelProblem[] {
  if (container.gone) return []
  const options = spec.options as Record<string, unknown>
  return Object.entries<AnyRow>(methodRows[spec.method]).flatMap(([field, { key, names }]) => {
    const name = options[field]
    if (names === undefined || typeof name !== 'string') return []
    if (container.environment.has(name)) return []
    if (names === 'variable-or-file' && container.environment.has(`${name}_FILE`)) return []
    return [
      labelProblem(container, target, key as `${MethodKind}.${string}`, { value: masked, ...explain(container, name) }),
    ]
  })
}

function explain({ name: container, environment }: ContainerFacts, name: string) {
  const variables = [...environment.keys()]
  const reason = `${container} has no environment variable of this name`
  const suggestion = nearest(name, variables) ?? variables.find((variable) => holdsSecret.test(variable))
  if (!environment.has(`${name}_FILE`)) return { reason, suggestion }
  return { reason: `${reason}; its ${name}_FILE names a file, which is no variable`, suggestion: undefined }
}

/** The usual end of a variable that holds a password or a key as its value. */
const holdsSecret = /(PASSWORD|PASSWD|_PASS|TOKEN|SECRET|KEY)$/i
