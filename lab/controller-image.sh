#!/bin/bash
# controller-image.sh: builds localhost/xnai-backup:HASH of this checkout on the local base image, as its users do by
# scripts/build-image.sh, when its sources changed, and notes the name for private-podman.sh. Layers are kept, so that a
# change of src alone takes a second.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
  local home image
  home=$(dirname "$(controller_note)")
  image=localhost/xnai-backup:$(hash_of_sources)
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  configure "$home"
  if ! podman image exists "$image" 2>/dev/null; then
    say "building the controller's image"
    build "$image" >"$home/log" 2>&1 9>&- || { tail -n 30 "$home/log" >&2; die "building the controller's image failed: $home/log"; }
  fi
  echo "$image" >"$(controller_note)"
}

build() { XNAI_BACKUP_BASE=localhost/xnai-base bash "$ROOT/scripts/build-image.sh" "$1"; }

hash_of_sources() {
  cd "$ROOT"
  find Containerfile package.json package-lock.json scripts/build-image.sh scripts/build.ts scripts/build src -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12
}

configure() {
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n[storage.options]\nadditionalimagestores = ["%s"]\n' \
    "$1/store" "$(short_name "$1")/run" "$(recipe base)/store" >"$1/storage.conf"
  podman_settings >"$1/containers.conf"
  printf 'tmp_dir = "%s"\n' "$1/tmp" >>"$1/containers.conf"
  export CONTAINERS_STORAGE_CONF=$1/storage.conf CONTAINERS_CONF=$1/containers.conf PODMAN_IGNORE_CGROUPSV1_WARNING=1
}

main
