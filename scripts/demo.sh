#!/bin/bash
# demo.sh [set-up]: set-up of what is missing, then the demonstration: backup, destruction, restore and proof of a stack
# of its own. With the argument `set-up` it stops before the demonstration.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$ROOT"
bash lab/setup.sh demo
bash lab/controller-image.sh
say "set-up took $SECONDS s"
[ "${1:-}" != set-up ] || exit 0
exec node scripts/demo.ts "$LAB/demo-logs"
