#!/bin/bash
# private-podman.sh up NAME [--health] [--owner PID] | down FOLDER | sweep
# A Podman of its own for one test file or one demo: configuration, storage, networks and socket in a new folder, images
# shared read-only. `up` prints the environment to use, one NAME=value a line; `down` removes everything, running or
# not. What an earlier owner left behind (killed, machine restarted) is taken down by the next `up`. The owner is the
# caller unless --owner names it.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/lab/owned-runs.sh"
RUNS=$(runs_folder xnai-lab)
# One name server serves the networks of all Podmans of the machine, by a file for each.
NAME_SERVER=/run/containers/networks/aardvark-dns

main() {
  case ${1:-} in
  up) shift && up "$@" ;;
  down) down "$(realpath -m "${2:?folder}")" ;;
  sweep) sweep ;;
  *) die "usage: private-podman.sh up NAME [--health] [--owner PID] | down FOLDER | sweep" ;;
  esac
}

up() {
  local name=${1:?name} owner=$PPID health=
  shift
  while [ $# -gt 0 ]; do
    case $1 in --health) health=1 ;; --owner) owner=$2 && shift ;; esac
    shift
  done
  local folder
  folder=$(make_run "$name" "$owner")
  mkdir "$folder"/{tmp,networks,root,run,docker,socket}
  configure "$folder"
  environment "$folder" >"$folder/env"
  make_network "$folder"
  start "$folder" service podman system service --time=0 "unix://$folder/socket/podman.sock"
  [ -z "$health" ] || start "$folder" health node "$ROOT/lab/health-timer.ts" "$folder" "$folder/socket/podman.sock"
  await_service "$folder" "$folder/socket/podman.sock"
  cat "$folder/env"
}

# Two private Podmans must not share a subnet or a network's name. A pool shows as a route once a container has started:
# before that, those that start together see it in the configuration of the other one, under a lock. It is random for
# those that cannot see each other's folders (another mount namespace on the same network).
configure() {
  local folder=$1 pool
  exec 9>"$RUNS/.lock"
  flock 9
  pool=$(comm -23 <(seq 140 239 | sort) <(taken_pools | sort -u) | shuf -n 1)
  podman_settings "seccomp_profile = \"$ROOT/lab/seccomp.json\"" >"$folder/containers.conf"
  cat >>"$folder/containers.conf" <<END
tmp_dir = "$folder/tmp"
volume_path = "$folder/root/volumes"
[network]
network_backend = "netavark"
network_config_dir = "$folder/networks"
default_subnet = "10.$pool.255.0/24"
default_subnet_pools = [ {base = "10.$pool.0.0/17", size = 24} ]
END
  exec 9>&-
  cat >"$folder/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$folder/root"
runroot = "$folder/run"
[storage.options]
additionalimagestores = [$(image_stores | sed 's/.*/"&"/' | paste -sd,)]
END
  echo 'unqualified-search-registries = []' >"$folder/registries.conf"
  echo '{"auths": {}}' >"$folder/docker/config.json"
}

taken_pools() {
  ip -4 route | sed -n 's/^10\.\([0-9]*\)\..*/\1/p'
  cat "$RUNS"/*/containers.conf 2>/dev/null | sed -n 's/^default_subnet = "10\.\([0-9]*\)\..*/\1/p' || true
}

environment() {
  podman_environment "$1"
  echo "LAB_NETWORK=$(basename "$1" | tr '[:upper:]' '[:lower:]')_default"
}

# The project's network, as compose makes it. Podman names a bridge podmanN by what it sees at this moment: two that
# start together take the same one, and the second has no route to its containers. So this one is named after the
# folder.
make_network() {
  (
    load_environment "$1/env"
    podman network create --label com.docker.compose.network=default --label "com.docker.compose.project=$LAB_PROJECT" \
      "${LAB_PROJECT}_default" >/dev/null
    sed -i "s/\"podman[0-9]*\"/\"xn-${1##*-}\"/" "$1/networks/${LAB_PROJECT}_default.json"
  )
}

down() {
  local folder=$1 namespaces left
  [ -e "$folder/owner" ] || die "$folder is no private Podman"
  end "$folder/health.pid"
  namespaces=$(namespaces_of "$folder")
  remove_containers "$folder" "$namespaces" >"$folder/down.log" 2>&1 </dev/null || true
  end "$folder/service.pid"
  end_monitors "$folder"
  left=$(leftovers "$folder" "$namespaces")
  [ -z "$left" ] || tail -n 20 "$folder/down.log" >&2
  remove_folder "$folder"
  [ -z "$left" ] || die "$(basename "$folder") has left behind: $left"
}

# in_lab FOLDER COMMAND…: runs a command with the environment of a private Podman.
in_lab() {
  (
    load_environment "$1/env"
    "${@:2}"
  )
}

# namespaces_of FOLDER: prints the network namespaces of its containers.
namespaces_of() {
  in_lab "$1" podman ps --all --quiet 2>/dev/null |
    in_lab "$1" xargs -r podman container inspect --format '{{.NetworkSettings.SandboxKey}}' 2>/dev/null || true
}

# remove_containers FOLDER NAMESPACES: Podman fails now and then to remove a container that is just ending, and then its
# network stays too, so it is asked again.
remove_containers() {
  for _ in $(seq 30); do
    in_lab "$1" timeout 60 podman rm --force --all --time 0 &&
      in_lab "$1" timeout 20 podman network prune --force &&
      [ -z "$(leftovers "$@")" ] && return
    sleep 0.5
  done
  return 1
}

# leftovers FOLDER NAMESPACES: prints what there still is outside of the folder: namespaces, the bridge, and the entry of
# the name server.
leftovers() {
  local place
  for place in $2 "/sys/class/net/xn-${1##*-}" "$NAME_SERVER/$(basename "$1" | tr '[:upper:]' '[:lower:]')_default"; do
    [ ! -e "$place" ] || echo "$place"
  done
}

remove_folder() {
  local folder=$1 left
  for left in $(seq 100); do
    unmount_below "$folder"
    # The owner's mark goes last: a folder without it would be nobody's to sweep.
    find "$folder" -mindepth 1 -maxdepth 1 ! -name owner ! -name env \
      -exec rm -rf --one-file-system {} + 2>/dev/null && break
    [ "$left" != 100 ] || die "cannot remove $folder"
    sleep 0.1
  done
  rm -rf --one-file-system "$folder"
}

# conmon outlives an exec by five minutes, and then has podman clean up, which makes the storage's folders anew.
end_monitors() {
  local file pid name
  for file in $(grep -lsF -- "$1/" /proc/[0-9]*/cmdline); do
    pid=${file//[!0-9]/} name=
    { read -r name <"/proc/$pid/comm"; } 2>/dev/null || true
    case $name in conmon | podman) kill -KILL "$pid" 2>/dev/null || true ;; esac
  done
}

main "$@"
