#!/bin/bash
# private-podman5.sh up NAME [--health] [--owner PID] | down FOLDER | sweep
# A Podman 5 of its own for one test file, on a machine whose own Podman is 4. Debian 13 from the image podman5, or what XNAI_LAB_PODMAN5
# names in its place, is the root of mount, PID and network namespaces, with which processes, mounts, bridges and packet filters end. Its
# folder, $TMPDIR, the checkout and the lab lie there at the same paths as outside, so that bind mounts and volumes of its containers have
# one name for all, and a route leads from outside to its containers. Its command line comes first in the PATH that `up` prints.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/lab/owned-runs.sh"
RUNS=$(runs_folder xnai-lab5)
IMAGE=${XNAI_LAB_PODMAN5:-podman5}

main() {
  case ${1:-} in
  up) shift && up "$@" ;;
  down) down "$(realpath -m "${2:?folder}")" ;;
  sweep) sweep ;;
  --inside) inside "$2" ;;
  *) die "usage: private-podman5.sh up NAME [--health] [--owner PID] | down FOLDER | sweep" ;;
  esac
}

up() {
  local name=${1:?name} owner=$PPID health= folder pool
  shift
  while [ $# -gt 0 ]; do
    case $1 in --health) health=1 ;; --owner) owner=$2 && shift ;; esac
    shift
  done
  [ -e "$(recipe "$IMAGE")/done" ] || die "there is no Podman 5 yet: run lab/images.sh $IMAGE"
  folder=$(make_run "$name" "$owner")
  mkdir -p "$folder"/{bin,storage,run,tmp,networks,docker,socket} "$folder"/system/{upper,work,root}
  pool=$(take_pool "$folder")
  configure "$folder" "$pool"
  environment "$folder" >"$folder/env"
  command_line "$folder" >"$folder/bin/podman"
  chmod +x "$folder/bin/podman"
  start "$folder" service unshare --mount --pid --net --fork --kill-child bash "$ROOT/lab/private-podman5.sh" --inside "$folder"
  await_service "$folder" "$folder/socket/podman.sock"
  make_route "$(cat "$folder/inside.pid")" "xn5-${folder##*-}" "$pool"
  [ -z "$health" ] || start "$folder" health node "$ROOT/lab/health-timer.ts" "$folder" "$folder/socket/podman.sock"
  cat "$folder/env"
}

# take_pool FOLDER: prints a number N that no other has, so that 10.N.0.0/16 is the folder's. private-podman.sh takes those above.
take_pool() {
  exec 9>"$RUNS/.lock"
  flock 9
  comm -23 <(seq 100 139 | sort) <(taken_pools | sort -u) | shuf -n 1 | tee "$1/pool"
  exec 9>&-
}

taken_pools() {
  ip -4 route | sed -n 's/^10\.\([0-9]*\)\..*/\1/p'
  cat "$RUNS"/*/pool 2>/dev/null || true
}

# make_route PID DEVICE POOL: it ends with the network namespace of the process.
make_route() {
  ip link add "$2" type veth peer name outside netns "$1"
  ip address add "10.$3.255.1/24" dev "$2"
  ip link set "$2" up
  nsenter --target "$1" --net ip address add "10.$3.255.2/24" dev outside
  nsenter --target "$1" --net ip link set outside up
  ip route add "10.$3.0.0/16" via "10.$3.255.2" src "10.$3.255.1"
}

# configure FOLDER POOL
configure() {
  podman_settings "seccomp_profile = \"$ROOT/lab/seccomp.json\"" >"$1/containers.conf"
  cat >>"$1/containers.conf" <<END
tmp_dir = "$1/tmp"
volume_path = "$1/storage/volumes"
[network]
firewall_driver = "iptables"
network_config_dir = "$1/networks"
default_subnet = "10.$2.254.0/24"
default_subnet_pools = [ {base = "10.$2.0.0/17", size = 24} ]
END
  cat >"$1/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$1/storage"
runroot = "$1/run"
[storage.options]
additionalimagestores = [$(image_stores | sed 's/.*/"&"/' | paste -sd,)]
END
  echo 'unqualified-search-registries = []' >"$1/registries.conf"
  echo '{"auths": {}}' >"$1/docker/config.json"
}

environment() {
  podman_environment "$1"
  echo "PATH=$1/bin:$PATH"
}

# A program that stands outside for the podman inside. It is called with the environment that `up` prints.
command_line() {
  printf '#!/bin/sh\nexec nsenter --target "$(cat %q)" --mount --pid --net /usr/bin/podman "$@"\n' "$1/inside.pid"
}

# As the first process of the new namespaces. It stays, to reap what containers leave.
inside() {
  local folder=$1 root=$1/system/root pid shared
  # /proc is still that of the machine, by whose numbers nsenter finds this process.
  read -r pid _ </proc/self/stat
  mount --make-rprivate /
  mount -t overlay -o "lowerdir=$(echo "$(recipe "$IMAGE")"/store/overlay/*/diff),upperdir=$folder/system/upper,workdir=$folder/system/work" overlay "$root"
  for shared in /sys /dev; do mount --rbind "$shared" "$root$shared"; done
  for shared in "${TMPDIR:-/tmp}" "$ROOT" "$LAB" "$folder"; do
    mkdir -p "$root$shared"
    mount --bind "$shared" "$root$shared"
  done
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t proc proc "$root/proc"
  cd "$root"
  pivot_root . mnt
  umount --lazy /mnt
  # The controller binds / with rslave, for which it is shared on a machine with systemd.
  mount --make-rshared /
  ip link set lo up
  echo "$pid" >"$folder/inside.pid"
  # In PATH there is the command line that stands for it.
  /usr/bin/podman system service --time=0 "$DOCKER_HOST"
}

down() {
  local folder=$1 left
  [ -e "$folder/owner" ] || die "$folder is no private Podman"
  end "$folder/health.pid"
  # SIGKILL: everything in the PID namespace ends with it, and the other two namespaces with that.
  end "$folder/service.pid" KILL
  unmount_below "$folder"
  for left in $(seq 100); do
    remove_cgroups "$folder" && rm -rf --one-file-system "$folder"/{storage,system} 2>/dev/null && break
    [ "$left" != 100 ] || die "cannot remove $folder"
    sleep 0.1
  done
  rm -rf --one-file-system "$folder"
}

# remove_cgroups FOLDER: those of its containers. One cannot be removed while a process is in it, and one that is paused cannot end.
remove_cgroups() {
  local group
  for group in $(cgroups_of "$1" freezer); do echo THAWED >"$group/freezer.state" || true; done
  for group in $(cgroups_of "$1" .) $(cgroups_of "$1" '*'); do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
  done
}

# cgroups_of FOLDER HIERARCHY: prints the folders of its containers' control groups.
cgroups_of() {
  local id group
  for id in $(find "$1/storage/overlay-containers" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null); do
    for group in /sys/fs/cgroup/$2/libpod_parent/libpod-{,conmon-}"$id"; do
      [ ! -d "$group" ] || echo "$group"
    done
  done
}

main "$@"
