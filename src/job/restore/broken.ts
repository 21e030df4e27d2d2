import type { ContainerState } from '../../engine/engine.ts'
import type { BackupError, ErrorCode } from '../../errors.ts'

type Failure = Pick<BackupError, 'code'>

/** The codes by which a method says that its server does not answer, or does not answer as a whole server does. */
const unanswered: readonly ErrorCode[] = ['SERVICE_DOWN', 'UNHEALTHY', 'TIMEOUT', 'EXEC_FAILED', 'DUMP_FAILED']

/**
 * Whether a service cannot be asked because it is broken. A refused login, a missing tool, a full disk, an unreachable engine or
 * repository, and an interruption say nothing of the data.
 */
export const cannotAnswer = ({ code }: Failure): boolean => unanswered.includes(code)

/** The codes of a call that may have met a container in the moment of its end. */
const cutOff: readonly ErrorCode[] = ['ENGINE_FAILED', 'STREAM_CUT', 'EXEC_FAILED', 'RESTORE_FAILED']

/** Whether it depends on the state of the container what a failure means. */
export const mayBeCutOff = ({ code }: Failure): boolean => cutOff.includes(code)

/**
 * Whether a capture failed because what is there now is broken, so that only its raw bytes can be kept. `state` is that of the container
 * afterwards. TARGET_BROKEN is the code of a database or collection that the labels name and that is gone.
 */
export const isBroken = (error: Failure, state: ContainerState): boolean =>
  cannotAnswer(error) || error.code === 'TARGET_BROKEN' || (state !== 'running' && mayBeCutOff(error))

/** Whether a server does not start, or never becomes ready. `state` is that of the container afterwards. */
export const isDown = (error: Failure, state: ContainerState): boolean =>
  ['SERVICE_DOWN', 'UNHEALTHY', 'TIMEOUT'].includes(error.code) || (state !== 'running' && mayBeCutOff(error))
