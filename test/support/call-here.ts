import type { Call } from '../../lab/product.ts'
import { main, type OpenParts } from '../../src/main.ts'

/**
 * Runs a command of the product in this process, without a terminal. A process of its own takes four times as long. `environment` is all
 * that the command sees of one. `open`: default the real parts.
 */
export async function callHere(
  args: string[],
  environment: Record<string, string | undefined>,
  { open, signal }: { open?: OpenParts; signal?: AbortSignal | undefined } = {},
): Promise<Call> {
  const printed = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof printed) => ({
    isTTY: false,
    columns: 200,
    write: (text: string) => {
      printed[name] += text
    },
  })
  const io = { stdout: sink('stdout'), stderr: sink('stderr'), environment, userId: process.getuid?.(), ask: undefined }
  const exitCode = await main(args, io, open, signal)
  const json = args.includes('--json') && printed.stdout !== '' ? JSON.parse(printed.stdout) : undefined
  return { exitCode, ...printed, json }
}
