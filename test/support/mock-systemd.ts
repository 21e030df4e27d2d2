import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectManager } from '../../src/engine/systemd/manager.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { poll } from '../../src/lib/deadline.ts'

/** A unit of the mock: see test/fakes/systemd.py. */
export interface MockUnit {
  /** It prints the number of the main process. */
  start: string[]
  stop: string[]
  /** Those of every unit. */
  properties?: Record<string, string | boolean | string[]>
  /** Those of a service. */
  service?: Record<string, number>
}

/** A bus of its own, on which a mock of systemd answers. */
export interface MockSystemd extends AsyncDisposable {
  /** The socket of the bus. */
  path: string
}

const config = (path: string) => `<busconfig>
  <type>system</type>
  <listen>unix:path=${path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

/** Starts both in a folder, and answers when systemd is there. The commands of the units run in `environment`. */
export async function startMockSystemd(
  folder: string,
  units: Record<string, MockUnit>,
  environment: Record<string, string> = {},
): Promise<MockSystemd> {
  const path = join(folder, 'bus')
  writeFileSync(join(folder, 'bus.conf'), config(path))
  const env = { ...process.env, ...environment, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path}` }
  const stdio = 'ignore' as const
  const bus = spawn('dbus-daemon', ['--nofork', `--config-file=${join(folder, 'bus.conf')}`], { env, stdio })
  const signal = AbortSignal.timeout(60_000)
  const wait = { seconds: 60, clock: systemClock, signal }
  await poll(() => canConnect(path, signal), { what: 'the bus', ...wait })
  const template = join(import.meta.dirname, '../fakes/systemd.py')
  // Debian's own Python has the package; another one may come first on the path.
  const args = ['-m', 'dbusmock', '--template', template, '--parameters', JSON.stringify(units)]
  const systemd = spawn('/usr/bin/python3', args, { env, stdio })
  await poll(() => answers(path, signal), { what: 'the mock of systemd', ...wait })
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([systemd, bus].map(end))
    },
  }
}

async function canConnect(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    using _manager = await connectManager({ path, isBus: true }, signal)
    return true
  } catch {
    return false
  }
}

async function answers(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    using manager = await connectManager({ path, isBus: true }, signal)
    return (await manager.unit('none.service', false)) === undefined
  } catch {
    return false
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}
