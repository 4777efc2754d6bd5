#!/bin/sh
# gnupg: imports a key, signs, verifies, encrypts and decrypts, with its agent.
# package: gpg
# also: gpg-agent gpgconf
# uses: fork
# normalise: times
prepare()
{
    make-input text 60000 >text
    mkdir -m 700 home
    export GNUPGHOME="$PWD/home"
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
        --quick-generate-key 'Tester <tester@example.org>' future-default default never 2>said
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' --armor \
        --export-secret-keys >key.asc
    gpgconf --kill all
}

work()
{
    mkdir -m 700 home
    export GNUPGHOME="$PWD/home"
    run gpgconf --launch gpg-agent
    gpg='run gpg --batch --no-tty --trust-model always --faked-system-time 20300101T000000!'
    $gpg --import "$IN/key.asc"
    $gpg --list-keys --with-colons | cut -d: -f1-5,10
    for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
        $gpg --quiet --compress-algo bzip2 -r tester@example.org \
            -o secret-$n --sign --encrypt "$IN/text"
        $gpg --quiet -d secret-$n 2>said | cksum
        grep -c 'Good signature' said
    done
    $gpg --quiet --clearsign -o signed "$IN/text"
    sed 's/ba/bo/' signed >forged
    $gpg --verify signed
    $gpg --verify forged || echo "exit status $?"
    $gpg --print-md SHA512 "$IN/text"
    run gpgconf --kill all
}
