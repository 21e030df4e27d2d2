#!/bin/bash
# controller-image.sh: builds localhost/xnai-backup:HASH of this checkout from its Containerfile on the local base
# image, when its sources changed, and notes the name for private-podman.sh. Layers are kept, so that a change of src
# alone takes a second.
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
    build "$home" "$image" >"$home/log" 2>&1 9>&- || { tail -n 30 "$home/log" >&2; die "building the controller's image failed: $home/log"; }
  fi
  echo "$image" >"$(controller_note)"
}

hash_of_sources() {
  cd "$ROOT"
  find Containerfile package.json package-lock.json src -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12
}

configure() {
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n[storage.options]\nadditionalimagestores = ["%s"]\n' \
    "$1/store" "$1/run" "$(recipe base)/store" >"$1/storage.conf"
  podman_settings >"$1/containers.conf"
  printf 'tmp_dir = "%s"\n' "$1/tmp" >>"$1/containers.conf"
  export CONTAINERS_STORAGE_CONF=$1/storage.conf CONTAINERS_CONF=$1/containers.conf PODMAN_IGNORE_CGROUPSV1_WARNING=1
}

# How this machine reaches its npm registry serves the build too, and stays out of the image: the network, npm's
# settings, certificates.
build() {
  local home=$1 certificates=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
  npm_settings >"$home/npmrc"
  podman build --format docker --network host --build-arg BASE=localhost/xnai-base --secret "id=npmrc,src=$home/npmrc" \
    --volume "$certificates:/etc/ssl/certs/ca-certificates.crt:ro" -t "$2" "$ROOT"
  rm "$home/npmrc"
}

npm_settings() {
  cat "$(npm config get globalconfig)" "$(npm config get userconfig)" 2>/dev/null | grep -v '^cafile' || true
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt'
  echo "registry=$(npm config get registry)"
}

main
