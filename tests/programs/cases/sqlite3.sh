#!/bin/sh
# sqlite3: tables, indexes, joins, windows, full-text search, a heap limit and integrity checks.
# package: sqlite3
prepare()
{
    make-input csv 40000 >table.csv
    cat >work.sql <<'SQL'
PRAGMA journal_mode = WAL;
PRAGMA temp_store = MEMORY;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, day TEXT, remark TEXT);
.mode csv
.import --skip 1 table.csv item
.mode list
CREATE INDEX item_name ON item (name, price);
CREATE VIRTUAL TABLE words USING fts5 (remark);
INSERT INTO words SELECT remark FROM item;
SELECT count(*), round(sum(price), 2), min(day), max(day) FROM item;
SELECT name, count(*) n, round(avg(price), 3) FROM item GROUP BY name ORDER BY n DESC, name LIMIT 8;
SELECT substr(day, 1, 7) m, count(*), sum(count(*)) OVER (ORDER BY substr(day, 1, 7)) FROM item
    GROUP BY m ORDER BY m LIMIT 10;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.day = b.day AND a.id < b.id;
SELECT count(*) FROM words WHERE words MATCH 'ba AND NOT da';
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000)
    SELECT sum(x % 7), group_concat(x, ',') LIKE '1,2,%' FROM n;
SELECT json_group_array(json_object('id', id, 'name', name)) FROM item WHERE id % 9999 = 0;
DELETE FROM item WHERE id % 3 = 0;
UPDATE item SET remark = replace(remark, 'ba', printf('%d', id)) WHERE id % 5 = 1;
VACUUM;
PRAGMA integrity_check;
SELECT count(*), sum(length(remark)) FROM item;
SELECT length(randomblob(-1)), hex(zeroblob(3));
PRAGMA hard_heap_limit = 6000000;
SELECT length(group_concat(remark, remark)) FROM item;
SQL
}

work()
{
    cp "$IN/table.csv" .
    run sqlite3 work.db <"$IN/work.sql" || echo "exit status $?"
    run sqlite3 work.db .dump | cksum
}
