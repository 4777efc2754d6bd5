#!/bin/bash
# The README's way, tried in a bare Debian 12: a minbase root, `make` installed, then `make demo`
# and `make check` in a fresh clone. Needs root and debootstrap; the mirror, its proxy and its
# certificates are those of this machine. `tests/bareroot.sh [COMMAND...]` runs other commands.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "bareroot: needs root (mount, chroot)" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "bareroot: apt-get install debootstrap" >&2; exit 2; }
[ $# -gt 0 ] || set -- "make demo" "make check"

root=$(mktemp -d /var/tmp/ashlar-bareroot.XXXXXX)
chmod 755 "$root"       # it becomes / for every user in there
leave() {
    for place in dev/pts dev/shm dev proc; do
        if mountpoint -q "$root/$place"; then umount -l "$root/$place"; fi
    done
    rm -rf --one-file-system "$root"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# The first Debian mirror that apt uses here, in either format of its sources.
mirror=$(find /etc/apt/sources.list* '(' -name '*.list' -o -name '*.sources' ')' -print0 \
    | xargs -0 cat | grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ')
[ -n "$mirror" ] || { echo "bareroot: apt's sources name no Debian mirror" >&2; exit 2; }

echo "bareroot: debootstrap --variant=minbase bookworm"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 \
    || { cat "$root.log"; rm "$root.log"; exit 2; }
rm "$root.log"

# What this machine needs to reach its mirror, the root needs too.
cp /etc/resolv.conf "$root/etc/" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
rm -f "$root"/etc/apt/sources.list
cp -r /etc/apt/sources.list.d/. "$root/etc/apt/sources.list.d/"
[ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$root/etc/apt/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t devpts devpts "$root/dev/pts" 2>/dev/null || mount --bind /dev/pts "$root/dev/pts"

git clone -q "$here" "$root/root/ashlar"
in_root() {
    echo "bareroot: $*"
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        sh -c "cd /root/ashlar && $*" </dev/null
}
in_root "apt-get update -q && apt-get install -y -q make"
for line in "$@"; do
    in_root "$line"
done
echo "bareroot: all done in $(du -shx "$root" | cut -f1)"
