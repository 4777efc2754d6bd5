#!/bin/sh
# lighttpd: files, redirects, compression, CGI programs.
# package: lighttpd
# also: apache2-utils curl
# uses: fork
prepare()
{
    port >port
    mkdir site
    make-input text 2000 >site/text.txt
    cat >site/say.cgi <<'CGI'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\ncgi %s\n' "$QUERY_STRING"
CGI
    chmod 755 site/say.cgi
    cat >lighttpd.conf <<CONF
server.port = $(cat port)
server.bind = "127.0.0.1"
server.document-root = "$PWD/site"
server.modules = ("mod_deflate", "mod_redirect", "mod_cgi", "mod_accesslog", "mod_dirlisting")
mimetype.assign = (".txt" => "text/plain", "" => "application/octet-stream")
deflate.mimetypes = ("text/plain")
deflate.allowed-encodings = ("gzip")
url.redirect = ("^/old/(.*)" => "/\$1")
cgi.assign = (".cgi" => "/bin/sh")
dir-listing.activate = "enable"
accesslog.filename = env.PROGRAMS_FOLDER + "/work/access.log"
CONF
}

work()
{
    url=http://127.0.0.1:$(cat "$IN/port")
    start lighttpd run lighttpd -D -f "$IN/lighttpd.conf"
    await curl -sf "$url/text.txt"
    for path in text.txt old/text.txt missing say.cgi?x=2; do
        curl -sL --compressed -w '%{http_code}\n' "$url/$path" | tail -2
    done
    ab -q -n 20000 -c 16 "$url/text.txt" >ab.log
    ab -q -n 600 -c 8 -H 'Accept-Encoding: gzip' "$url/text.txt" >>ab.log
    ab -q -n 300 -c 4 "$url/say.cgi?ab" >>ab.log
    grep -E '^(Complete|Failed|Non-2xx|HTML transferred)' ab.log
    [ "$(grep -c ApacheBench access.log)" -gt 20000 ] && echo logged
    stop INT
    complaints lighttpd.log
}
