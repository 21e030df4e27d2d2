#!/bin/bash
# build-image.sh [NAME]: builds the controller's image from this checkout, with Podman or, where that is missing, with
# Docker. NAME is localhost/xnai-backup:built-by-build-image.sh by default, which compose.backup.yaml starts. Where docker.io is out of
# reach, XNAI_BACKUP_BASE names another image of Debian with Node 24.12 or newer.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

main() {
  local engine name=${1:-localhost/xnai-backup:built-by-build-image.sh}
  engine=$(choose_engine)
  local options=(--network host --tag "$name")
  # Images in the OCI format, which is Podman's own, carry no health check.
  [ "$engine" != podman ] || options+=(--format docker)
  [ -z "${XNAI_BACKUP_BASE:-}" ] || options+=(--build-arg "BASE=$XNAI_BACKUP_BASE")
  make_secrets
  "$engine" build "${options[@]}" "${secrets[@]}" "$root"
  echo "The image $name is ready."
}

choose_engine() {
  local engine
  for engine in podman docker; do
    ! command -v "$engine" >/dev/null || { echo "$engine" && return; }
  done
  echo 'error: neither podman nor docker is installed; on Debian: apt-get install podman' >&2
  return 1
}

# What this machine needs to reach a registry of npm serves the build too, and does not stay in the image: the settings
# of npm, and the certificates that the machine trusts.
make_secrets() {
  local folder file
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$folder'" EXIT
  secrets=(--secret "id=npmrc,src=$folder/npmrc")
  ! command -v npm >/dev/null || npm_settings >"$folder/npmrc"
  for file in "${NODE_EXTRA_CA_CERTS:-}" /etc/ssl/certs/ca-certificates.crt; do
    [ -s "$file" ] || continue
    echo 'cafile=/run/certificates' >>"$folder/npmrc"
    secrets+=(--secret "id=certificates,src=$file")
    return
  done
  touch "$folder/npmrc"
}

npm_settings() {
  cat "$(npm config get globalconfig)" "$(npm config get userconfig)" 2>/dev/null | grep -v '^cafile' || true
  echo "registry=$(npm config get registry)"
}

main "$@"
