import { bad, type Check, orGood } from '../check.ts'

/** The problems that `plan` shows. */
export const checkLabels: Check = ({ stack }) => {
  if (stack instanceof Error) return []
  const { plan } = stack
  const found = plan.problems.map(({ container, label, reason, suggestion, hint }) => {
    const near = suggestion === undefined ? '' : `Write ${suggestion} there. `
    const fix = hint ?? `${near}Correct the label, and create the container again.`
    return bad('labels', `${container}: ${label === '' ? '' : `${label}: `}${reason}`, fix)
  })
  if (plan.targets.length + plan.broken.length === 0) {
    found.push(
      bad(
        'labels',
        'no container has labels: nothing is backed up',
        'xnai-backup init proposes labels for the running stack.',
      ),
    )
  }
  return orGood(found, 'labels', `${plan.targets.length} targets without a problem`)
}
