#!/bin/bash
# test.sh [argument of vitest…]: runs lint, types and every layer of tests, and ends with the durations of its phases.
# It exits non-zero when any of them fails. Lint, types and the layers that need no containers run while images are
# being made. With arguments there is one run of vitest, with these arguments, after everything is made.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$ROOT"
failed=() durations=()
quick=(--project unit --project process --project fault)
on_podman=(--project contract --project methods --project scenario)

main() {
  phase programs bash lab/setup.sh programs
  [ ${#failed[@]} = 0 ] || die "set-up failed"
  make_images &
  local images=$!
  phase lint biome check .
  phase types tsc
  [ $# -gt 0 ] || phase "quick tests" vitest run "${quick[@]}"
  phase images wait "$images"
  [ "${failed[*]: -1}" != images ] || die "failed: ${failed[*]}"
  export XNAI_LAB_READY=1
  if [ $# -gt 0 ]; then
    phase tests vitest run "$@"
  else
    phase "tests on Podman" vitest run "${on_podman[@]}"
  fi
  say "durations: $(printf '%s, ' "${durations[@]}" | sed 's/, $//'), all in all $SECONDS s"
  [ ${#failed[@]} = 0 ] || die "failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
}

# phase NAME COMMAND…: runs a command, and notes how long it took and whether it failed.
phase() {
  local name=$1 began=$SECONDS
  shift
  say "$name"
  "$@" || failed+=("$name")
  durations+=("$name $((SECONDS - began)) s")
}

make_images() { bash lab/setup.sh && bash lab/controller-image.sh; }

main "$@"
