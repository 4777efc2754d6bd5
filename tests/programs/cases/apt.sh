#!/bin/sh
# apt: reads an archive of its own with thousands of packages, searches, solves dependencies.
# package: apt
# uses: fork
# set: ci
prepare()
{
    mkdir -p archive state/lists/partial cache/archives/partial etc
    touch state/status
    seq 1 6000 | while read -r n; do
        printf '%s\n' "Package: package$n" "Version: 1.$((n % 10))-1" "Architecture: all" \
            "Maintainer: Tester <tester@example.org>" \
            "Depends: package$((n / 2)) | package$((n / 3)), package$((n / 5)) (>= 1.0)" \
            "Filename: ./package$n.deb" "Size: $n" "MD5sum: d41d8cd98f00b204e9800998ecf8427e" \
            "Description: number $n of six thousand" ""
    done >archive/Packages
    sed -i 's/package0 | package0, package0 (>= 1.0)/package1/; s/, package0 (>= 1.0)//' \
        archive/Packages
    sed -i 's/^Depends: package\([0-9]*\) | package0$/Depends: package1/' archive/Packages
    sed -i '0,/^Depends: .*/{/^Depends: .*/d}' archive/Packages
    echo "deb [trusted=yes] file:$PWD/archive ./" >etc/sources.list
}

work()
{
    cp -R "$IN/state" "$IN/cache" .
    flags="-o Dir::State=$PWD/state -o Dir::State::status=$PWD/state/status -o Dir::Cache=$PWD/cache
        -o Dir::Etc::sourcelist=$IN/etc/sources.list -o Dir::Etc::sourceparts=- -o Dir::Etc::main=-
        -o Dir::Etc::parts=- -o Dir::Etc::preferencesparts=- -o Dir::Etc::trustedparts=-
        -o APT::Sandbox::User=root -o Dir::Log=$PWD"
    # shellcheck disable=SC2086   # here and below: words are wanted
    {
        run apt-get $flags -qq update
        run apt-cache $flags gencaches
        run apt-cache $flags search 'number .*77 of' | sort
        run apt-cache $flags showpkg package100 | cksum
        run apt-cache $flags depends --recurse package5999 | cksum
        run apt-cache $flags rdepends --recurse package2 | sort | cksum
        run apt-cache $flags dumpavail | cksum
        run apt-cache $flags policy package4321 | grep -c 1.1-1
        run apt-get $flags -s -q install package5999 package4000 package3001 | sort | cksum
        run apt-get $flags -s -q install nothing 2>&1 || echo "exit status $?"
    }
}
