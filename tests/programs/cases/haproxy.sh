#!/bin/sh
# haproxy: two threads balance over two plain web servers, rewrite headers, keep statistics.
# package: haproxy
# also: nginx-light apache2-utils curl
# uses: threads
prepare()
{
    port >port
    cat >nginx.conf <<'CONF'
daemon off;
error_log stderr notice;
pid nginx.pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s;
    server { listen unix:a.sock; location / { return 200 "answer $http_x_added\n"; } }
    server { listen unix:b.sock; location / { return 200 "answer $http_x_added\n"; } }
}
CONF
    cat >haproxy.cfg <<CONF
global
    nbthread 2
    stats socket unix@admin.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:$(cat port)
    http-request set-header X-Added %[path,regsub(/,.,g)]
    http-request deny if { path_beg /secret }
    compression algo gzip
    default_backend back
backend back
    balance roundrobin
    server a unix@a.sock
    server b unix@b.sock
CONF
}

work()
{
    url=http://127.0.0.1:$(cat "$IN/port")
    start nginx nginx -p "$PWD" -c "$IN/nginx.conf"
    web=$server
    start haproxy run haproxy -f "$IN/haproxy.cfg"
    await curl -sf "$url/ready"
    curl -s "$url/one/two" "$url/secret" "$url/three"
    for path in a/b/c secret; do
        ab -q -n 10000 -c 16 "$url/$path" >ab.log
        grep -E '^(Complete|Failed|Non-2xx|HTML transferred)' ab.log
    done
    stop USR1
    complaints haproxy.log
    server=$web server_name=nginx
    stop QUIT
}
