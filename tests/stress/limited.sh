#!/bin/bash
# limited.sh: a command with so many KiB of address space and no more (ulimit -v).
#
#     limited.sh KIB COMMAND...
kib=$1
shift
ulimit -v "$kib" || exit 2
exec "$@"
