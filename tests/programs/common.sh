#!/bin/sh
# common.sh: what the cases share. run.py calls it as `common.sh CASE prepare|work`.
#
# A case defines work and, if it needs input, prepare. prepare runs once, plain, in the folder $IN;
# work runs in an empty folder, once plain and once on Ashlar: there the program under test is
# called through `run`. What work prints, and its exit status, must be the same both times.
set -eu

# Lengths and checksums instead of long results.
digest()
{
    sha256sum -- "$@"
}

# start NAME COMMAND...: a server in the background, all it says in NAME.log.
start()
{
    server_name=$1
    shift
    "$@" >"$server_name.log" 2>&1 </dev/null &
    server=$!
    servers="${servers-} $server"
}

# stop SIGNAL: ends the server started last, and shows its exit status.
stop()
{
    status=0
    kill -s "$1" "$server"
    wait "$server" 2>/dev/null || status=$?
    servers=$(echo "$servers " | sed "s/ $server / /")
    echo "$server_name: exit status $status"
}

# complaints FILE...: lines of a log that a healthy server does not write, or `clean log`.
complaints()
{
    grep -hiE 'error|fatal|panic|assert|corrupt|abort|signal 11|crash|ashlar:' -- "$@" ||
        echo "clean log"
}

# end_servers: whatever happened, nothing stays behind.
end_servers()
{
    for pid in ${servers-}; do
        kill -TERM "$pid" 2>/dev/null || true
    done
}
trap end_servers EXIT

# shellcheck source=/dev/null
. "$1"
"$2"
