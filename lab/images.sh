#!/bin/bash
# images.sh [NAME…]: makes the local images that are missing, from Debian packages, because no registry may be in reach:
#   localhost/xnai-services  holds the servers that scenarios back up
#   localhost/xnai-base      is what the controller's image stands on
#   localhost/xnai-redis     holds Redis and a shell, small enough to be unpacked by each private Docker
# and, if they are named, podman5 and podman5-sid with the Podman of Debian 13 and of sid, the roots of private-podman5.sh.
# Each lies in an image store of its own, LAB/NAME-HASH/store, which private-podman.sh and private-docker.sh read.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
  mkdir -p "$LAB"
  [ $# -gt 0 ] || set -- services base redis
  local name pids=() failed=0
  for name in "$@"; do
    [ -e "$(recipe "$name")/done" ] && continue
    say "making the image xnai-$name, once"
    (make_once "$name") &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

# Of two set-ups at once the second waits for the first. What a killed one left behind is thrown away.
make_once() {
  local out
  out=$(recipe "$1")
  exec 9>"$LAB/$1.lock"
  flock 9
  [ -e "$out/done" ] && return
  rm -rf --one-file-system "$out"
  mkdir -p "$out"
  bash "$(short_name "$ROOT")/lab/images/make.sh" "$1" "$(suite_of "$1")" "$(short_name "$out")" >"$out/log" 2>&1 9>&- || {
    tail -n 30 "$out/log" >&2
    die "making the image xnai-$1 failed; the whole log is $out/log"
  }
  touch "$out/done"
  say "image xnai-$1 is made ($(du -sh "$out/store" | cut -f1), ${SECONDS} s)"
}

# suite_of NAME: prints the Debian release that its packages come from.
suite_of() { cat "$ROOT/lab/images/$1/suite" 2>/dev/null || echo trixie; }

main "$@"
