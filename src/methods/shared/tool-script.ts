/**
 * The last line of a script for `/bin/sh`: it ends as the command `call` does. With `drainInput` the script also reads what the command
 * leaves unread when it fails early, because Podman loses the output of a command whose input was not read. It is for short inputs.
 */
export const endWith = (call: string, drainInput = false): string =>
  drainInput ? `${call}; code=$?; cat >/dev/null; exit "$code"` : `exec ${call}`
