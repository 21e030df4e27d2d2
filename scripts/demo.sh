#!/bin/bash
# demo.sh: set-up of what is missing, then the demonstration: backup, destruction, restore and proof of a stack of its
# own.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$ROOT"
bash lab/setup.sh
bash lab/controller-image.sh
say "set-up took $SECONDS s"
exec node scripts/demo.ts "$LAB/demo-logs"
