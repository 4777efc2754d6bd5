#!/bin/sh
# wrk: two threads with a Lua script against a plain web server.
# package: wrk
# also: nginx-light curl
# uses: threads
prepare()
{
    port >port
    cat >wrk.lua <<'LUA'
local n = 0
function request()
    n = n + 1
    return wrk.format("GET", "/say/" .. string.rep("x", n % 50) .. "?n=" .. n)
end
function response(status, headers, body)
    assert(status == 200 and body:sub(1, 4) == "said", body)
end
function done(summary, latency, requests)
    local e = summary.errors
    print(e.connect, e.read, e.write, e.status, e.timeout, summary.requests > 1000)
end
LUA
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
        location ~ ^/say/(.*)\$ { return 200 "said \$1\n"; }
    }
}
CONF
}

work()
{
    url=http://127.0.0.1:$(cat "$IN/port")
    start nginx nginx -p "$PWD" -c "$IN/nginx.conf"
    await curl -sf "$url/say/x"
    run wrk -t 2 -c 16 -d 8 -s "$IN/wrk.lua" "$url" | tail -1
    stop QUIT
}
