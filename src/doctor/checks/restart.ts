import { existsSync } from 'node:fs'
import type { ContainerFacts } from '../../engine/engine.ts'
import type { CurrentPlan } from '../../job/current-plan.ts'
import { controllersOf } from '../../plan/scope.ts'
import { bad, type Check, type Diagnosis, good, orGood, type Patient } from '../check.ts'
import { policiesAtBoot, restartUnit as unit } from './restart-unit.ts'

/** Where systemd keeps a unit that starts with the machine. */
const wanted = ['default.target.wants', 'multi-user.target.wants'].map((name) => `/etc/systemd/system/${name}/${unit}`)

/** Whether the controller and the services that it backs up start with the machine. */
export const checkRestart: Check = async (patient) => {
  const { parts, stack, signal } = patient
  if (stack instanceof Error) return []
  const controllers = controllersOf(stack.containers, parts.settings)
  const containers = startedByEngine(stack, controllers)
  const isPodman = containers.some(({ engine }) => engine === 'podman')
  const isRootless = isPodman && (await parts.engine.isRootless(signal).catch(() => false))
  // A rootless unit may be changed in the home of its user, which is not known here.
  const started = isPodman && !isRootless ? policiesAtBoot(parts.ownPath) : undefined
  const found = containers.flatMap((container) => judgePolicy(container, controllers.includes(container), started))
  const service = isPodman ? judgeService(patient, isRootless) : []
  return orGood([...found, ...service.filter(({ ok }) => !ok)], 'restart', describe(isPodman, isRootless))
}

const describe = (isPodman: boolean, isRootless: boolean): string => {
  const policies = 'the controller and all services of targets have a restart policy or a unit'
  if (!isPodman) return policies
  return isRootless
    ? `${policies}; whether systemctl --user is-enabled ${unit} and linger are set cannot be seen from here`
    : `${policies}, and ${unit} is enabled`
}

/** Those that a unit of systemd starts are its business. */
function startedByEngine({ plan, containers }: CurrentPlan, controllers: ContainerFacts[]): ContainerFacts[] {
  const ids = new Set(plan.targets.map(({ container }) => container.id))
  return containers.filter(
    (one) => (ids.has(one.id) || controllers.includes(one)) && one.unit === undefined && one.autoRemove !== true,
  )
}

/** `started`: the policies with which Podman's unit starts a container; undefined where the policy alone counts. */
function judgePolicy({ name, restart }: ContainerFacts, isController: boolean, started?: string[]): Diagnosis[] {
  if (restart !== undefined && (started?.includes(restart) ?? true)) return []
  const what = isController ? 'the controller' : 'a service that is backed up'
  const policies = isController ? ['always'] : (started ?? ['always', 'unless-stopped'])
  const fix = `Write restart: ${policies.join(' or ')} to its service in the compose file, and create it again.`
  const why =
    restart === undefined
      ? 'it has no restart policy'
      : `it is ${restart}, and ${unit} starts only what is ${started?.join(' or ')}`
  return [bad('restart', `${name}, ${what}, does not start with the machine: ${why}`, fix)]
}

/** Podman has no daemon that starts containers. A folder of the host that is not seen from here says nothing. */
function judgeService({ parts }: Patient, isRootless: boolean): Diagnosis[] {
  const folder = parts.ownPath('/etc/systemd/system')
  if (isRootless || folder === undefined || !existsSync(folder)) return []
  const isEnabled = wanted.some((path) => existsSync(parts.ownPath(path) ?? path))
  if (isEnabled) return [good('restart', `${unit} is enabled`)]
  const fix = `systemctl enable ${unit} on the host. Before Podman 5.8 it starts containers with the policy always alone.`
  return [bad('restart', `${unit} is not enabled: Podman starts no container with the machine`, fix)]
}
