#!/bin/bash
# test.sh [argument of vitest…]: set-up, lint, types, then every layer of tests; ends with the durations. Non-zero when any of them fails.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$ROOT"
failed=() durations=()

phase() {
  local name=$1 began=$SECONDS
  shift
  say "$name"
  "$@" || failed+=("$name")
  durations+=("$name $((SECONDS - began)) s")
}

phase set-up bash lab/setup.sh
[ ${#failed[@]} = 0 ] || die "set-up failed"
phase image bash lab/controller-image.sh
phase lint biome check .
phase types tsc
phase tests vitest run "$@"

say "durations: $(printf '%s, ' "${durations[@]}" | sed 's/, $//'), all in all $SECONDS s"
[ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}"
