#!/bin/bash
# demo.sh [set-up | --stay]: set-up of what is missing, then the demonstration: backup, destruction, restore, proof and
# drills of a stack of its own. With the argument `set-up` it stops before the demonstration; with `--stay` the stack and
# its page stay until Ctrl-C. With XNAI_PICTURES=yes the picture of the page becomes that of the docs.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$ROOT"
bash lab/setup.sh demo
bash lab/controller-image.sh
say "set-up took $SECONDS s"
[ "${1:-}" != set-up ] || exit 0
picture=$LAB/demo-page.png
[ "${XNAI_PICTURES:-}" != yes ] || picture=docs/pictures/demo.png
exec node scripts/demo.ts "$LAB/demo-logs" "$picture" "$@"
