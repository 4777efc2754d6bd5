#!/bin/sh
# nginx: two workers, compression and includes, under wrk and checked byte by byte.
# package: nginx-light
# also: wrk curl
# uses: fork
prepare()
{
    port >port
    mkdir site
    make-input text 3000 >site/text.txt
    make-input bytes 100000 >site/bytes.bin
    cat >nginx.conf <<CONF
daemon off;
worker_processes 2;
error_log stderr notice;
pid nginx.pid;
events { worker_connections 256; }
http {
    types { text/plain txt; }
    access_log access.log;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s;
    gzip on;
    gzip_types text/plain;
    server {
        listen 127.0.0.1:$(cat port);
        root $PWD/site;
        location /twice/ { proxy_pass http://127.0.0.1:$(cat port)/; }
        location ~ ^/say/(.*)\$ { return 203 "said \$1 \$arg_x\n"; }
    }
}
CONF
}

work()
{
    url=http://127.0.0.1:$(cat "$IN/port")
    start nginx run nginx -p "$PWD" -c "$IN/nginx.conf"
    await curl -sf "$url/text.txt"
    for path in text.txt bytes.bin twice/text.txt say/word?x=1 missing; do
        curl -s --compressed -w '%{http_code} %{content_type}\n' "$url/$path" | cksum
    done
    wrk -t 2 -c 30 -d 4 "$url/text.txt" >wrk.log
    wrk -t 2 -c 30 -d 1 -H 'Accept-Encoding: gzip' "$url/twice/text.txt" >>wrk.log
    grep -E 'Socket errors|Non-2xx' wrk.log || echo 'no errors'
    stop QUIT
    grep -v /missing nginx.log >log
    complaints log
}
