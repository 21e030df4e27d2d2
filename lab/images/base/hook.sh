#!/bin/sh
# Run by mmdebstrap with the root file system as $1 and OUT set: Node and npm go in, as node's official image has them;
# the compose programs of this Debian release come out, unpacked, for machines whose own release has none or an old one.
set -eu
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
install -m 755 "$(readlink -f "$(command -v node)")" "$1/usr/local/bin/node"
mkdir -p "$1/usr/local/lib/node_modules"
cp -a "$npm" "$1/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"

mkdir "$1/tools"
chroot "$1" sh -c 'cd /tools && apt-get -qq download docker-compose podman-compose && for p in *.deb; do dpkg-deb -x "$p" .; done'
mkdir "$OUT/tools"
install -m 755 "$(find "$1/tools" -name docker-compose -type f -size +1M)" "$OUT/tools/docker-compose"
install -m 755 "$(find "$1/tools" -name podman_compose.py)" "$OUT/tools/podman-compose"
# The machine's own Python has the modules it needs; another one in PATH may not.
sed -i '1s|.*|#!/usr/bin/python3|' "$OUT/tools/podman-compose"
rm -r "$1/tools"
