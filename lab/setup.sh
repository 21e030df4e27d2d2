#!/bin/bash
# setup.sh [programs|demo]: makes what the tests and the demo need, on a Debian 12 or newer with root, git, Node and npm:
# Debian packages, node_modules, newer versions of restic, and local images, a browser, and a Docker engine in .lab (or in $XNAI_LAB, which
# several clones may share). A second run finds everything there. With the argument `programs` it stops before images and Docker; with
# `demo` it makes what the demo needs alone.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
PACKAGES=(
  podman runc netavark aardvark-dns uidmap slirp4netns fuse-overlayfs iptables iproute2 # containers
  mmdebstrap python3-yaml python3-dotenv                                              # images, podman-compose
  restic rsync zstd curl attr acl bubblewrap procps util-linux e2fsprogs busybox           # what the product and its tests run
  dbus-daemon python3-dbusmock                                                         # a mock of systemd, for the tests
  libatomic1 libstdc++6 libdevmapper1.02.1                                            # what Node's and Docker's own binaries link to
)
BROWSER=chromium-headless-shell # the tests look at the page with it

main() {
  cd "$ROOT"
  [ "$(id -u)" = 0 ] || die "set-up installs Debian packages: run it as root"
  if [ "${1:-}" = demo ]; then
    install_packages "${PACKAGES[@]}"
    make_images
    return
  fi
  install_packages "${PACKAGES[@]}" "$BROWSER"
  unpack_restic trixie &
  local restic=$! docker
  unpack_restic sid &
  local newest=$!
  unpack_monitors &
  local monitors=$!
  if [ "${1:-}" = programs ]; then
    install_modules
    wait "$restic"
    wait "$newest"
    wait "$monitors"
    return
  fi
  unpack_docker &
  docker=$!
  make_images
  wait "$docker"
  wait "$restic"
  wait "$newest"
  wait "$monitors"
}

# Only the image base holds a Node: everything else is made while npm installs ours.
make_images() {
  bash lab/images.sh services redis &
  local images=$!
  install_modules
  bash lab/images.sh base
  wait "$images"
}

# install_packages PACKAGE…: installs those that are missing.
install_packages() {
  local missing
  # dpkg-query complains about packages it never heard of, and those are what we look for.
  missing=$(comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort))
  [ -n "$missing" ] || return 0
  say "installing Debian packages:" $missing
  # A source that this machine cannot reach or trust need not be one of ours: the installation tells.
  apt-get update -qq -o DPkg::Lock::Timeout=300 || say "apt-get update had errors; going on with the package lists that are there"
  # shellcheck disable=SC2086 # one word a package
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 $missing >/dev/null
}

install_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  say "installing node_modules by npm ci"
  # With the machine's Node: npm removes node_modules first, and ours with it.
  PATH=$(tr : '\n' <<<"$PATH" | grep -v "^$ROOT/node_modules/" | paste -sd:) npm ci --no-progress --loglevel=error
}

# Unpacked, not installed: the package would start an engine for the whole machine, and drive out the packages that
# Docker itself offers.
unpack_docker() {
  local home new package
  home=$(docker_home)
  mkdir -p "$LAB"
  exec 9>"$LAB/docker.lock"
  flock 9
  [ ! -d "$home" ] || return 0
  say "unpacking Debian's Docker engine, for the tests"
  new=$home.new
  rm -rf "$new"
  mkdir "$new"
  download_docker "$new" || { apt-get update -qq && download_docker "$new"; }
  for package in "$new"/*.deb; do dpkg-deb --fsys-tarfile "$package"; done |
    tar --extract --ignore-zeros --directory "$new" ./usr/sbin/dockerd ./usr/bin/{docker,containerd,containerd-shim-runc-v2}
  rm "$new"/*.deb
  mv "$new" "$home"
}

# Newer releases have the command line in a package of its own.
download_docker() {
  local client
  client=$(apt-cache search --names-only '^docker-cli$' | cut -d' ' -f1)
  # shellcheck disable=SC2086 # a word or nothing
  (cd "$1" && apt-get -qq -o APT::Sandbox::User=root download docker.io containerd $client)
}

# promtool of this release, and of trixie VictoriaMetrics and vmalert-tool, in $LAB/monitors: the tests of the examples run them.
unpack_monitors() {
  local home=$LAB/monitors new=$LAB/monitors.new
  mkdir -p "$LAB"
  exec 9>"$LAB/monitors.lock"
  flock 9
  [ ! -d "$home" ] || return 0
  say "unpacking promtool and VictoriaMetrics, for the tests"
  download_of trixie "$new" victoria-metrics
  (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download prometheus || { apt-get update -qq && apt-get -qq -o APT::Sandbox::User=root download prometheus; })
  take_programs "$new" promtool victoria-metrics vmalert-tool
  mv "$new" "$home"
}

# unpack_restic SUITE: restic and its REST server of a Debian release, in $LAB/restic-SUITE. Debian 12 has one that is too old, and its libraries do for
# the newer ones. The lists of that release stay in a folder of their own.
unpack_restic() {
  local home new
  home=$LAB/restic-$1
  new=$home.new
  mkdir -p "$LAB"
  exec 9>"$LAB/restic-$1.lock"
  flock 9
  [ ! -d "$home" ] || return 0
  say "unpacking restic of Debian's $1, for the tests"
  download_of "$1" "$new" restic restic-rest-server
  take_programs "$new" restic restic-rest-server
  mv "$new" "$home"
}

# download_of SUITE FOLDER PACKAGE…: packages of a Debian release into a new folder. The lists of that release stay in it.
download_of() {
  local suite=$1 new=$2 options
  shift 2
  rm -rf "$new"
  mkdir -p "$new"/{lists,cache/archives}/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${XNAI_DEBIAN_MIRROR:-http://deb.debian.org/debian} $suite main" >"$new/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$new/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$new/lists"
    -o "Dir::Cache=$new/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o Acquire::Languages=none
    -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false)
  apt-get "${options[@]}" update
  (cd "$new" && apt-get "${options[@]}" download "$@")
}

# take_programs FOLDER PROGRAM…: leaves nothing of the packages in the folder but these programs.
take_programs() {
  local new=$1 package
  shift
  for package in "$new"/*.deb; do dpkg-deb --fsys-tarfile "$package"; done |
    tar --extract --ignore-zeros --directory "$new" --strip-components=3 "${@/#/./usr/bin/}"
  rm -r "$new"/{lists,cache,sources.list} "$new"/*.deb
}

main "$@"
