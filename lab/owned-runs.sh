# Sourced by private-podman.sh and private-docker.sh: engines in folders of their own under $RUNS, each with an owner, a
# process after whose end it is taken down. Called with `down FOLDER`, they take one down.
# shellcheck shell=bash

# runs_folder NAME: in $TMPDIR, but in /tmp where the paths of sockets and run roots in it would get too long.
runs_folder() {
  local parent=${TMPDIR:-/tmp}
  [ ${#parent} -le 14 ] || parent=/tmp
  echo "$parent/$1"
}

# make_run NAME OWNER: prints a new folder. What owners that are gone left behind is taken down before.
make_run() {
  mkdir -p "$RUNS"
  sweep
  local folder
  folder=$(mktemp -d "$RUNS/$1-XXXXXX")
  life_of "$2" >"$folder/owner" || die "no process $2"
  echo "$folder"
}

sweep() {
  local owner
  exec 9>"$RUNS/.lock"
  flock 9
  for owner in "$RUNS"/*/owner; do
    if [ -s "$owner" ] && ! lives "$owner"; then
      say "taking down what an earlier run left: $(dirname "$owner")"
      # A run that cannot be taken down whole says so, and does not keep others from starting.
      "$0" down "$(dirname "$owner")" 9>&- >&2 || true
    fi
  done
  exec 9>&-
}

# start FOLDER NAME COMMAND…: a process of this run, found again by NAME.pid.
start() {
  local folder=$1 name=$2
  shift 2
  (
    load_environment "$folder/env"
    exec setsid "$@" >"$folder/$name.log" 2>&1 </dev/null
  ) &
  life_of $! >"$folder/$name.pid"
}

# await_service FOLDER SOCKET: until the engine that `start FOLDER service` began answers there.
await_service() {
  for _ in $(seq 1800); do
    curl -s -m 2 --unix-socket "$2" http://d/_ping >/dev/null && return
    sleep 0.05
  done
  cat "$1/service.log" >&2
  die "the engine does not answer at $2"
}

# life_of PID: the pid and its start time, which together never come back.
life_of() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  echo "$1 $(echo "${stat##*) }" | cut -d' ' -f20)"
}

lives() { [ "$(life_of "$(cut -d' ' -f1 "$1")")" = "$(cat "$1")" ]; }

# end FILE [SIGNAL]: of the process noted there, unless it has ended already.
end() {
  if [ -s "$1" ] && lives "$1"; then kill -s "${2:-TERM}" "$(cut -d' ' -f1 "$1")" 2>/dev/null || true; fi
}

# podman_environment FOLDER: prints what a private Podman in the folder is reached by, and what compose files of the lab ask for.
podman_environment() {
  local project
  project=$(basename "$1" | tr '[:upper:]' '[:lower:]')
  cat <<END
LAB_FOLDER=$1
LAB_PROJECT=$project
LAB_COMPOSE=$(recipe base)/tools/docker-compose
LAB_PODMAN_COMPOSE=$(recipe base)/tools/podman-compose
XNAI_BACKUP_IMAGE=$(cat "$(controller_note)" 2>/dev/null)
XNAI_BACKUP_SOCKET_DIR=$1/socket
XNAI_BACKUP_NAME=$project-backup
CONTAINERS_CONF=$1/containers.conf
CONTAINERS_STORAGE_CONF=$1/storage.conf
CONTAINERS_REGISTRIES_CONF=$1/registries.conf
DOCKER_HOST=unix://$1/socket/podman.sock
DOCKER_CONFIG=$1/docker
PODMAN_IGNORE_CGROUPSV1_WARNING=1
END
}

# unmount_below FOLDER: deepest first, for what is mounted later lies on top.
unmount_below() {
  awk -v under="$1/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo |
    sort -r | xargs -r umount --lazy 2>/dev/null || true
}

# in_private_podman COMMAND…: runs a command with a Podman of its own, which reads the images of the lab.
in_private_podman() {
  local environment status=0
  environment=$("$ROOT/lab/private-podman.sh" up save --owner $$)
  (
    load_environment /dev/stdin <<<"$environment"
    "$@" || status=$?
    "$ROOT/lab/private-podman.sh" down "$LAB_FOLDER"
    exit $status
  )
}
