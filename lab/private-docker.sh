#!/bin/bash
# private-docker.sh up NAME [--controller] [--owner PID] | down FOLDER | sweep
# A Docker engine of its own for one test file, as private-podman.sh gives a Podman: data, exec root and socket in a new
# folder, and mount, PID and network namespaces, with which its bridges, packet filters, mounts and processes end. So
# its containers reach each other and nothing else, and nobody reaches them but through the socket. Its images
# are localhost/xnai-redis and, with --controller, that of the controller.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/lab/owned-runs.sh"
RUNS=$(runs_folder xnai-docker)
main() {
  case ${1:-} in
  up) shift && up "$@" ;;
  down) down "$(realpath -m "${2:?folder}")" ;;
  sweep) sweep ;;
  --inside) inside "$2" ;;
  *) die "usage: private-docker.sh up NAME [--controller] [--owner PID] | down FOLDER | sweep" ;;
  esac
}

up() {
  local name=${1:?name} owner=$PPID controller= folder
  shift
  while [ $# -gt 0 ]; do
    case $1 in --controller) controller=1 ;; --owner) owner=$2 && shift ;; esac
    shift
  done
  [ -d "$(docker_home)" ] || die "there is no Docker engine yet: run lab/setup.sh"
  folder=$(make_run "$name" "$owner")
  mkdir "$folder"/{data,exec,tmp,socket,config}
  daemon_settings >"$folder/config/daemon.json"
  environment "$folder" >"$folder/env"
  start "$folder" service unshare --mount --pid --net --fork --kill-child --mount-proc \
    bash "$ROOT/lab/private-docker.sh" --inside "$folder"
  await_service "$folder" "$folder/socket/docker.sock"
  import_image "$folder/socket/docker.sock"
  [ -z "$controller" ] || load_controller "$folder/socket/docker.sock"
  cat "$folder/env"
}

# Whatever the machine's own Docker is told.
daemon_settings() {
  if has_every_capability; then
    echo '{}'
  else
    printf '{"runtimes": {"lab": {"path": "%s/lab/docker-runc.sh"}}, "default-runtime": "lab"}\n' "$ROOT"
  fi
}

# Whether CAP_SYS_RESOURCE is there, the one that machines made for tests lack.
has_every_capability() {
  local bounding
  bounding=$(sed -n 's/^CapBnd:\t*//p' /proc/self/status)
  (((0x$bounding >> 24) & 1))
}

environment() {
  cat <<END_OF_ENVIRONMENT
LAB_FOLDER=$1
LAB_PROJECT=$(basename "$1" | tr '[:upper:]' '[:lower:]')
LAB_COMPOSE=$(recipe base)/tools/docker-compose
LAB_ENGINE=$(docker_home)/usr/bin/docker
XNAI_BACKUP_IMAGE=$(controller_image)
XNAI_BACKUP_SOCKET_DIR=$1/socket
XNAI_BACKUP_ENGINE=unix:///run/podman/docker.sock
XNAI_BACKUP_NAME=$(basename "$1" | tr '[:upper:]' '[:lower:]')-backup
DOCKER_HOST=unix://$1/socket/docker.sock
DOCKER_CONFIG=$1/config
END_OF_ENVIRONMENT
}

# As the first process of the new namespaces. It stays, to reap what containers leave.
inside() {
  local folder=$1
  # The controller binds / with rslave, and Docker wants that shared.
  mount --make-rshared /
  # Places that no option of Docker moves.
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir /run/etc /run/work
  mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work overlay /etc
  ip link set lo up
  PATH=$(docker_home)/usr/sbin:$(docker_home)/usr/bin:$PATH TMPDIR=$folder/tmp \
    dockerd --config-file "$folder/config/daemon.json" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/dockerd.pid" --host "$DOCKER_HOST" --cgroup-parent "$(cgroup_of "$folder")" \
    --exec-opt native.cgroupdriver=cgroupfs --userland-proxy=false
}

cgroup_of() { echo "/xnai-docker-$(basename "$1")"; }

# The image has one layer, which is its root file system.
import_image() {
  local layer answer
  layer=$(echo "$(recipe redis)"/store/overlay/*/diff)
  answer=$(tar --create --directory "$layer" . |
    curl -sS -X POST -T - --unix-socket "$1" 'http://d/images/create?fromSrc=-&repo=localhost/xnai-redis&tag=latest')
  grep -q sha256: <<<"$answer" || die "importing the image failed: $answer"
}

load_controller() {
  local answer
  answer=$(in_private_podman podman save --quiet "$(controller_image)" |
    curl -sS -X POST -T - --unix-socket "$1" http://d/images/load)
  grep -q 'Loaded image' <<<"$answer" || die "loading the controller's image failed: $answer"
}

down() {
  local folder=$1 left
  [ -e "$folder/owner" ] || die "$folder is no private Docker"
  # SIGKILL: everything in the PID namespace ends with it, and the other two namespaces with that.
  end "$folder/service.pid" KILL
  for left in $(seq 100); do
    remove_cgroups "$(cgroup_of "$folder")" && rm -rf --one-file-system "$folder"/{data,exec} 2>/dev/null && break
    [ "$left" != 100 ] || die "cannot remove $folder"
    sleep 0.1
  done
  rm -rf --one-file-system "$folder"
}

# A control group cannot be removed while a process is in it, and one that is paused cannot end.
remove_cgroups() {
  local group
  for group in /sys/fs/cgroup/freezer"$1"/*/freezer.state; do
    [ ! -e "$group" ] || echo THAWED >"$group" || true
  done
  for group in /sys/fs/cgroup"$1" /sys/fs/cgroup/*"$1"; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
  done
}

main "$@"
