#!/bin/sh
# openssl: signs, verifies, encrypts, digests, parses; a TLS server answers its client.
# package: openssl
prepare()
{
    openssl genrsa -out key.pem 2048 2>said
    openssl req -new -x509 -key key.pem -subj /CN=localhost -days 3650 -out cert.pem
    make-input bytes 20000000 >bytes
    make-input text 40 >text
    port >port
}

work()
{
    port=$(cat "$IN/port")
    for name in sha1 sha512 sha3-256 blake2s256 md5; do
        run openssl dgst -$name -r "$IN/bytes"
    done
    for name in aes-256-cbc camellia-128-ctr chacha20; do
        run openssl enc -$name -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff \
            -iv 000102030405060708090a0b0c0d0e0f -in "$IN/bytes" 2>said | run openssl dgst -sha1 -r
    done
    for n in 1 2 3 4 5 6 7 8 9 10; do
        head -$n "$IN/text" >part
        run openssl dgst -sha256 -sign "$IN/key.pem" -out sign part
        run openssl dgst -sha256 -prverify "$IN/key.pem" -signature sign part
        run openssl cms -encrypt -aes256 -in part -outform PEM -out secret "$IN/cert.pem"
        run openssl cms -decrypt -inform PEM -in secret -recip "$IN/cert.pem" -inkey "$IN/key.pem" |
            cksum
    done
    run openssl x509 -in "$IN/cert.pem" -noout -text | cksum
    run openssl prime -hex FFFFFFFFFFFFFFC5 FFFFFFFFFFFFFFC7
    start tls run openssl s_server -accept "127.0.0.1:$port" -cert "$IN/cert.pem" \
        -key "$IN/key.pem" -www -quiet
    await openssl s_client -connect "127.0.0.1:$port"
    for n in 1 2 3 4 5 6 7 8; do
        printf 'GET / HTTP/1.0\r\n\r\n' | run openssl s_client -connect "127.0.0.1:$port" -quiet \
            -verify_return_error -CAfile "$IN/cert.pem" 2>&1 |
            grep -c -E 'HTTP/1.0 200 ok|verify return:1'
    done
    stop TERM
    run openssl rsa -in "$IN/text" 2>/dev/null || echo "exit status $?"
}
