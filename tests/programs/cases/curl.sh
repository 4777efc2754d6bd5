#!/bin/sh
# curl: hundreds of transfers, in parallel, with compression, ranges, forms and errors.
# package: curl
# also: nginx-light
prepare()
{
    port >port
    mkdir site
    for n in 1 2 3 4 5 6 7 8 9; do
        make-input text "${n}00" >"site/text$n.txt"
    done
    cat >nginx.conf <<CONF
daemon off;
error_log stderr notice;
pid nginx.pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s;
    gzip on;
    types { text/plain txt; }
    gzip_types text/plain;
    server {
        listen 127.0.0.1:$(cat port);
        root $PWD/site;
        location /loop/ { return 302 /loop/; }
        location /form { return 200 "form\n"; }
    }
}
CONF
}

work()
{
    url=http://127.0.0.1:$(cat "$IN/port")
    start nginx nginx -p "$PWD" -c "$IN/nginx.conf"
    await curl -sf "$url/text1.txt"
    mkdir got
    run curl -sS --compressed "$url/text[1-9].txt?[1-150]" | cksum
    run curl -sS -Z --parallel-max 20 --no-progress-meter -o 'got/#1-#2' "$url/text[1-9].txt?[1-60]"
    cat got/* | cksum
    run curl -sS -r 100-199 "$url/text3.txt" "file://$IN/site/text4.txt" | cksum
    run curl -sS -F "file=@$IN/site/text5.txt" -F 'name=value' -D - "$url/form" | grep -v ^Date
    run curl -sS -L --max-redirs 5 "$url/loop/" || echo "exit status $?"
    run curl -sS -f "$url/missing" || echo "exit status $?"
    run curl -sS telnet://127.0.0.1:1 || echo "exit status $?"
    stop QUIT
}
