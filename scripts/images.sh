#!/bin/bash
# images.sh: makes the local images that are missing, from Debian packages, since no registry may be in reach:
#   localhost/xnai-services  the servers that scenarios back up          localhost/xnai-base  what the controller's image stands on
# Each lies in an image store of its own, LAB/NAME-HASH/store, that every private Podman reads (private-podman.sh).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
SUITE=trixie

main() {
  mkdir -p "$LAB"
  local names=(services base) name pids=() failed=0
  for name in "${names[@]}"; do
    [ -e "$(recipe "$name")/done" ] && continue
    say "making the image xnai-$name, once"
    (make_once "$name") &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

# Two set-ups at once: the second waits for the first. What a killed one left is thrown away.
make_once() {
  local out
  out=$(recipe "$1")
  exec 9>"$LAB/$1.lock"
  flock 9
  [ -e "$out/done" ] && return
  rm -rf --one-file-system "$out"
  mkdir -p "$out"
  make "$1" "$out" >"$out/log" 2>&1 9>&- || { tail -n 30 "$out/log" >&2; die "making the image xnai-$1 failed; all of it: $out/log"; }
  touch "$out/done"
  say "image xnai-$1 is made ($(du -sh "$out/store" | cut -f1), ${SECONDS} s)"
}

# A clock past the release's Valid-Until must not stop us, hence the two Acquire options; signatures are checked all the same.
make() {
  local out=$2 packages
  packages=$(tr -s ' \n' ',' <"$ROOT/scripts/images/$1/packages")
  OUT=$out mmdebstrap --mode=root --variant=minbase --include="${packages%,}" \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"' \
    --customize-hook="$ROOT/scripts/images/$1/hook.sh \"\$1\"" \
    --skip=chroot/mount/sys "$SUITE" "$out/root.tar" ${XNAI_DEBIAN_MIRROR:+"$XNAI_DEBIAN_MIRROR"}
  podman --root "$out/store" --runroot "$out/run" --tmpdir "$out/tmp" --storage-driver overlay \
    import "$out/root.tar" "localhost/xnai-$1"
  umount "$out/store/overlay" 2>/dev/null || true
  rm -rf "$out/root.tar" "$out/run" "$out/tmp"
}

main
