#!/bin/bash
# make.sh NAME SUITE FOLDER: the image localhost/xnai-NAME from the Debian packages of its folder here, into the image store FOLDER/store.
set -euo pipefail
name=$1 suite=$2 out=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/$name" && pwd)

# A clock past the release's Valid-Until must not stop us, hence the two Acquire options; signatures are checked all the same.
# PostgreSQL's package would make a data folder that every container makes anew.
packages=$(tr -s ' \n' ',' <"$here/packages")
OUT=$out mmdebstrap --mode=root --variant=minbase --include="${packages%,}" \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' \
  --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
  --essential-hook='mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"' \
  --customize-hook="$here/hook.sh \"\$1\"" \
  --skip=chroot/mount/sys "$suite" "$out/root.tar" ${XNAI_DEBIAN_MIRROR:+"$XNAI_DEBIAN_MIRROR"}

podman --root "$out/store" --runroot "$out/run" --tmpdir "$out/tmp" --storage-driver overlay import "$out/root.tar" "localhost/xnai-$name"
umount "$out/store/overlay" 2>/dev/null || true
rm -rf "$out/root.tar" "$out/run" "$out/tmp"
