#!/bin/sh
# ssh-keygen: makes keys, shows fingerprints, signs and verifies files, certificates, moduli.
# package: openssh-client
prepare()
{
    make-input text 30000 >text
    ssh-keygen -q -t rsa -b 2048 -N '' -C tester -f key
    ssh-keygen -q -t ed25519 -N '' -C other -f other
    echo "tester $(cat key.pub)" >allowed
    seq 1 20000 | sed "s|.*|host&.example.org $(cut -d' ' -f1,2 other.pub)|" >known
}

work()
{
    cp "$IN"/* .
    chmod 600 key other
    run ssh-keygen -lv -f key.pub
    run ssh-keygen -y -f key | cmp - key.pub && echo same
    run ssh-keygen -Y sign -q -f key -n file <text | cksum
    run ssh-keygen -Y sign -q -f key -n file text
    run ssh-keygen -Y verify -f allowed -I tester -n file -s text.sig <text
    echo more >>text
    run ssh-keygen -Y verify -f allowed -I tester -n file -s text.sig <text || echo "exit status $?"
    run ssh-keygen -q -s key -I name -n user -z 7 -V 20240101:20340101 other.pub
    run ssh-keygen -L -f other-cert.pub | cksum
    run ssh-keygen -lf known | cksum
    run ssh-keygen -F host19999.example.org -f known
    run ssh-keygen -R host77.example.org -f known 2>&1 | tail -1
    cksum known
    for kind in ed25519 ecdsa 'rsa -b 2048'; do
        # shellcheck disable=SC2086   # words are wanted
        run ssh-keygen -q -t $kind -N secret -f made
        run ssh-keygen -q -p -P secret -N '' -f made
        run ssh-keygen -y -f made | cmp - made.pub && echo "$kind"
        rm made made.pub
    done
}
