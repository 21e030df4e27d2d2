#!/bin/bash
# docker-runc.sh ARGUMENT…: runc without CAP_SYS_RESOURCE. Docker before 23 gives a privileged container every capability of the kernel,
# and runc fails where the machine itself lacks one; Podman, and newer Docker, give what is there.
set -euo pipefail
arguments=("$@")
while [ $# -gt 1 ]; do
  case $1 in
  --bundle | -b) sed -i 's/"CAP_SYS_RESOURCE",\?//g' "$2/config.json" ;;
  --process | -p) sed -i 's/"CAP_SYS_RESOURCE",\?//g' "$2" ;;
  esac
  shift
done
exec runc "${arguments[@]}"
