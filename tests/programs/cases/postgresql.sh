#!/bin/sh
# postgresql: initdb, pgbench, joins, parallel queries and a dump, as an unprivileged user.
# package: postgresql-15
# also: postgresql-client-15
# uses: fork
# normalise: times
# timeout: 500
prepare()
{
    make-input csv 20000 >table.csv
    cat >work.sql <<'SQL'
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, day date, remark text);
\copy item FROM 'table.csv' CSV HEADER
CREATE INDEX ON item (name);
ANALYZE;
SELECT count(*), sum(price), min(day), max(day) FROM item;
SELECT name, count(*) n, round(avg(price), 3), string_agg(id::text, ',' ORDER BY id DESC) FROM item
    WHERE id < 4000 GROUP BY name ORDER BY n DESC, name LIMIT 4;
SELECT count(*) FROM item a JOIN item b USING (name, day) WHERE a.id < b.id;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT md5(string_agg(md5(remark), '' ORDER BY id)) FROM item;
SELECT jsonb_agg(to_jsonb(item) ORDER BY id) -> 77 FROM item WHERE id < 300;
SELECT regexp_replace(remark, '(\w+) (\w+)', '\2 \1') FROM item WHERE id % 5000 = 1 ORDER BY id;
DO $$ BEGIN FOR i IN 1 .. 300 LOOP EXECUTE format('SELECT %s', i); END LOOP; END $$;
SELECT 1 / (id - id) FROM item;
SQL
}

# A server refuses to run as root.
own()
{
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
    else
        "$@"
    fi
}

work()
{
    bin=/usr/lib/postgresql/15/bin
    own run $bin/initdb -D base -A trust -U tester --no-sync --no-instructions
    setpriv=
    [ "$(id -u)" != 0 ] || setpriv='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    # shellcheck disable=SC2086   # words are wanted
    start postgres $setpriv run $bin/postgres -D base -k "$PWD" -c listen_addresses= -c fsync=off
    await $bin/pg_isready -h "$PWD" -U tester -d postgres
    export PGHOST="$PWD" PGUSER=tester PGDATABASE=postgres
    cp "$IN/table.csv" .
    psql -X -q -A -t -f "$IN/work.sql"
    pgbench -i -q -s 1 >bench.log 2>&1
    pgbench -c 4 -j 2 -t 250 >>bench.log 2>&1
    grep -E 'actually processed|failed' bench.log
    psql -X -q -A -t -c 'SELECT count(*), sum(delta) = (SELECT sum(abalance) FROM pgbench_accounts)
                         FROM pgbench_history'
    own run $bin/pg_dump -t item --inserts | grep -vE '^(--|.(un)?restrict )' | cksum
    stop INT
    # expected: the division, clients before the start, workers that come after their query's end
    grep -vE 'division by zero|starting up|aborting any active|map dynamic shared memory' \
        postgres.log >log
    complaints log
}
