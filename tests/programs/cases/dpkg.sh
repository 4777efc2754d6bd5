#!/bin/sh
# dpkg: builds packages with threads, installs them into a root of its own, queries, removes.
# package: dpkg
# uses: threads fork
# set: ci
prepare()
{
    mkdir -p pkg/DEBIAN pkg/usr/share/work
    make-input tree pkg/usr/share/work 1500
    make-input text 20000 >pkg/usr/share/work/text
    printf '%s\n' 'Package: work' 'Version: 1.0-1' 'Architecture: all' \
        'Maintainer: Tester <tester@example.org>' 'Description: many files' >pkg/DEBIAN/control
    (cd pkg && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
}

work()
{
    export SOURCE_DATE_EPOCH=1700000000
    run dpkg-deb --root-owner-group --threads-max=2 -Zxz -z1 -b "$IN/pkg" work.deb
    run dpkg-deb --root-owner-group -Zgzip -b "$IN/pkg" work-gz.deb
    run dpkg-deb -f work.deb Package Version
    run dpkg-deb -c work.deb | awk '{ print $1, $3, $6 }' | cksum
    run dpkg-deb -R work-gz.deb out
    diff -r "$IN/pkg" out && echo same
    mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates
    touch root/var/lib/dpkg/status
    for step in '-i work.deb' '-V work' '-i work-gz.deb' '-r work'; do
        # shellcheck disable=SC2086   # words are wanted
        run dpkg --force-script-chrootless --force-not-root --log="$PWD/log" \
            --root="$PWD/root" $step
    done
    run dpkg-query --admindir=root/var/lib/dpkg -W || echo "exit status $?"
    for n in 1 2 3 4 5 6 7 8 9; do
        run dpkg-query -S "*/bin/*${n}*" 2>/dev/null | sort | cksum
        run dpkg --compare-versions "1.$n~rc1" lt "1.$n" && echo less
    done
}
