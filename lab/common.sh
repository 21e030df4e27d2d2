# Sourced by the scripts of lab/ and scripts/: where things are, and the Node that runs the code.
# shellcheck shell=bash
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Images, tools and nothing else; several clones may share one folder.
LAB=$(realpath -m "${XNAI_LAB:-$ROOT/.lab}")
# A machine may carry an older Node; the npm package `node` brings the one we need.
export PATH=$ROOT/node_modules/node/bin:$ROOT/node_modules/.bin:$PATH

say() { printf '• %s\n' "$*" >&2; }
die() { printf '✗ %s\n' "$*" >&2; exit 1; }

# short_name FOLDER: prints a link to the folder. Its path has no space, and is short: Podman refuses a run root of more than 50
# characters, and a checkout may lie anywhere.
short_name() {
  local link
  link=/run/xnai-lab/$(sha256sum <<<"$1" | cut -c1-12)
  mkdir -p /run/xnai-lab
  # Its name depends on the folder alone, so one that is there, perhaps since this moment, is right.
  [ -L "$link" ] || ln -sT "$1" "$link" || [ -L "$link" ]
  echo "$link"
}

# load_environment FILE: exports what the file says, one NAME=value a line. A value may hold anything else.
load_environment() {
  local line
  while IFS= read -r line; do export "${line?}"; done <"$1"
}

# recipe NAME: the folder of an image that belongs to this very recipe. Another recipe gets another folder, so a clone
# with other recipes never pulls an image from under a running test.
recipe() {
  local hash
  hash=$(cd "$ROOT/lab" && cat images/make.sh images/"$1"/* | sha256sum)
  echo "$LAB/$1-${hash:0:12}"
}

# docker_home: the folder of Debian's Docker programs, unpacked.
docker_home() { echo "$LAB/docker-$(. /etc/os-release && echo "$VERSION_CODENAME")"; }

# controller_note: the file that names the controller's image of this checkout, in the folder of its image store.
controller_note() { echo "$(recipe base)/controller/image-of-$(echo "$ROOT" | sha256sum | cut -c1-12)"; }

controller_image() { cat "$(controller_note)" 2>/dev/null || echo localhost/xnai-base; }

# image_stores: prints the image stores that a private Podman reads. The controller's own comes first: its layers stand on those of the base.
image_stores() {
  local store
  for store in "$(recipe base)"/{controller/,}store "$(recipe services)/store"; do
    [ ! -d "$store" ] || echo "$store"
  done
}

# podman_settings [LINE]: containers.conf for a machine of any kind. LINE goes under [containers]; [engine] comes last, for
# callers to add to.
podman_settings() {
  cat <<END
[containers]
# Without CAP_SYS_RESOURCE a limit above our own is refused.
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
log_driver = "k8s-file"
${1:-}
[engine]
# crun refuses a machine with cgroup v1 and v2 side by side; there may be no systemd to ask for cgroups or journals.
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
# The locks lie in the folder and go with it. Those in shared memory are one table for all Podmans of the machine, in which each volume
# that is removed with its folder would hold a row for ever.
lock_type = "file"
END
}
