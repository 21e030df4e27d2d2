#!/bin/bash
# rootless.sh USER COMMAND…: runs COMMAND as an ordinary user (made when missing) with a rootless Podman of its own, as
# that user's login would have it: API socket at $XDG_RUNTIME_DIR/podman/podman.sock, the local images loaded, / fit for
# an rslave bind. COMMAND runs in the checkout (/mnt/checkout) with DOCKER_HOST, XNAI_BACKUP_IMAGE,
# XNAI_BACKUP_SOCKET_DIR and LAB_COMPOSE set; all ends with it.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/lab/owned-runs.sh"

main() {
  local user=${1:?user}
  shift
  [ $# -gt 0 ] || die "usage: rootless.sh USER COMMAND…"
  make_user "$user"
  # One at a time: the user has one storage.
  exec 8>"$LAB/rootless-$user.lock"
  flock 8
  services_archive >/dev/null
  controller_archive >/dev/null
  # A PID namespace takes every process down with the command, however it ends.
  exec unshare --mount --pid --fork --kill-child --mount-proc bash "$ROOT/lab/rootless.sh" --inside "$user" "$@"
}

make_user() {
  id "$1" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$1"
  local first=$((300000 + $(id -u "$1") * 65536)) file
  for file in /etc/subuid /etc/subgid; do
    grep -q "^$1:" "$file" || echo "$1:$first:65536" >>"$file"
  done
}

services_archive() { archive_of localhost/xnai-services "$(recipe services)"; }

# With what it stands on, of which services of the example stack are made.
controller_archive() { archive_of "$(controller_image)" "$(recipe base)" localhost/xnai-base; }

# archive_of IMAGE RECIPE [IMAGE]: a file with the images, which every user may read; an older one of the same name
# goes.
archive_of() {
  local name=${1%:*} file
  file=$LAB/$(basename "$name")-$(echo "$*" | sha256sum | cut -c1-12).tar
  echo "$file"
  [ ! -e "$file" ] || return 0
  say "writing $1 to a file, for users without root"
  rm -f "${file%-*}"-*.tar
  save_images "$file" "$1" "${@:3}" 8>&-
}

# save_images FILE IMAGE…
save_images() {
  in_private_podman podman save --quiet --multi-image-archive --output "$1.part" "${@:2}"
  chmod 644 "$1.part"
  mv "$1.part" "$1"
}

# In the new namespaces, still root: what a login session and a kernel module would have made. The checkout may lie
# where the user must not look (root's home), so it appears once more under /mnt.
inside() {
  local user=$1 home runtime
  shift
  home=$(getent passwd "$user" | cut -d: -f6)
  runtime=/run/user/$(id -u "$user")
  # An rslave bind of / needs it shared.
  mount --make-rshared /
  mkdir -p "$runtime"
  mount -t tmpfs -o "mode=700,uid=$(id -u "$user"),gid=$(id -g "$user")" tmpfs "$runtime"
  mount -t tmpfs -o mode=755 tmpfs /mnt
  mkdir /mnt/checkout /mnt/lab
  mount --bind "$ROOT" /mnt/checkout
  mount --bind "$LAB" /mnt/lab
  make_tun
  podman_settings "seccomp_profile = \"/mnt/checkout/lab/seccomp.json\"" >/mnt/containers.conf
  printf '[network]\nnetwork_backend = "netavark"\n' >>/mnt/containers.conf
  printf '[storage]\ndriver = "overlay"\n' >/mnt/storage.conf
  cd /mnt/checkout
  exec setpriv --reuid "$user" --regid "$user" --init-groups env --ignore-environment HOME="$home" USER="$user" \
    PATH="/mnt/checkout/node_modules/node/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" TERM="${TERM:-dumb}" \
    XDG_RUNTIME_DIR="$runtime" CONTAINERS_CONF=/mnt/containers.conf CONTAINERS_STORAGE_CONF=/mnt/storage.conf \
    DOCKER_HOST="unix://$runtime/podman/podman.sock" PODMAN_IGNORE_CGROUPSV1_WARNING=1 \
    XNAI_LAB=/mnt/lab XNAI_BACKUP_SOCKET_DIR="$runtime/podman" XNAI_BACKUP_IMAGE="$(controller_image)" \
    LAB_COMPOSE="/mnt/lab/$(basename "$(recipe base)")/tools/docker-compose" \
    bash /mnt/checkout/lab/rootless.sh --as-user \
    "/mnt/lab/$(basename "$(services_archive)")" "/mnt/lab/$(basename "$(controller_archive)")" "$@"
}

# slirp4netns opens /dev/net/tun, which a machine may lack or keep to root.
make_tun() {
  mknod /mnt/tun c 10 200
  chmod 666 /mnt/tun
  mkdir -p /dev/net
  [ -e /dev/net/tun ] || : >/dev/net/tun
  mount --bind /mnt/tun /dev/net/tun
}

as_user() {
  local services=$1 controller=$2
  shift 2
  # What a killed run left in the user's storage.
  podman rm --force --all --time 0 >/dev/null
  podman volume prune --force >/dev/null
  podman network prune --force >/dev/null
  load_image "$services"
  load_image "$controller"
  mkdir -p "$XDG_RUNTIME_DIR/podman"
  podman system service --time=0 "$DOCKER_HOST" >"$XDG_RUNTIME_DIR/service.log" 2>&1 </dev/null &
  await_service "$XDG_RUNTIME_DIR" "${DOCKER_HOST#unix://}"
  node lab/health-timer.ts "$XDG_RUNTIME_DIR" "${DOCKER_HOST#unix://}" >"$XDG_RUNTIME_DIR/health.log" 2>&1 </dev/null &
  "$@"
}

# Kept in the user's own storage from run to run: only another image is loaded, and the one it replaces goes.
load_image() {
  local note=$HOME/.loaded-$(basename "${1%-*}")
  [ "$(cat "$note" 2>/dev/null)" = "$1" ] && return
  say "loading $(basename "$1") for $USER"
  podman image list --quiet --filter "reference=localhost/$(basename "${1%-*}")" | xargs -r podman rmi --force >/dev/null
  podman load --quiet --input "$1" >/dev/null
  podman image prune --force >/dev/null
  echo "$1" >"$note"
}

case ${1:-} in
--inside) shift && inside "$@" ;;
--as-user) shift && as_user "$@" ;;
*) main "$@" ;;
esac
