#!/bin/sh
# apache2-utils: ab sends 30,000 requests to a plain web server; htpasswd checks passwords.
# package: apache2-utils
# also: nginx-light curl
prepare()
{
    port >port
    cat >nginx.conf <<CONF
daemon off;
error_log stderr notice;
pid nginx.pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s;
    server {
        listen 127.0.0.1:$(cat port);
        location / { return 200 "some text for the benchmark\n"; }
    }
}
CONF
}

work()
{
    url=http://127.0.0.1:$(cat "$IN/port")
    start nginx nginx -p "$PWD" -c "$IN/nginx.conf"
    await curl -sf "$url/"
    for keep in '' -k; do
        # shellcheck disable=SC2086   # no word is wanted where there is none
        run ab $keep -q -n 30000 -c 16 -g plot.tsv "$url/page" >ab.log
        grep -E '^(Complete|Failed|Total transferred|HTML transferred|Document)' ab.log
        wc -l plot.tsv | cut -d' ' -f1
    done
    for user in ann bob cy; do
        run htpasswd -bBc -C 8 users $user "secret of $user"
        run htpasswd -vb users $user "secret of $user"
        run htpasswd -vb users $user wrong || echo "exit status $?"
    done
    stop QUIT
}
