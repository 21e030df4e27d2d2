#!/bin/bash
# test-podman5.sh [argument of vitest…]: runs the tests that speak to an engine, of layers that `npm test` runs on the machine's own Podman,
# on Podman 5 of Debian 13, which lab/private-podman5.sh starts; with XNAI_LAB_PODMAN5=podman5-sid on that of Debian's sid. Without arguments it
# runs those of docs/engines.md.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$ROOT"
TESTS=(
  test/contract/engine-podman
  test/methods/{files,mariadb,mongodb,postgres,qdrant,redis,sqlite,victoriametrics}/story
  test/scenario/{compose,disaster,failures,groups}
)

bash lab/setup.sh
bash lab/images.sh "${XNAI_LAB_PODMAN5:-podman5}"
bash lab/controller-image.sh
[ $# -gt 0 ] || set -- "${TESTS[@]}"
export XNAI_LAB_READY=1 XNAI_LAB_ENGINE=podman5
exec vitest run --project contract --project methods --project scenario "$@"
