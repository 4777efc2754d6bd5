-- joins.sql: a table in memory, two indexes, joins, groups, a window and JSON.
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, remark TEXT);
WITH RECURSIVE n(i, x) AS (VALUES (1, 1) UNION ALL
    SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 150000)
INSERT INTO item SELECT i, 'n' || (x % 9973), (x % 100000) / 100.0,
    substr('some words that stand for a remark of changing length', x % 20, x % 31) FROM n;
CREATE INDEX by_name ON item (name);
CREATE INDEX by_price ON item (price, remark);
SELECT count(*), round(sum(price)), max(remark) FROM item;
SELECT name, count(*), group_concat(id) FROM item WHERE id < 30000 GROUP BY name
    ORDER BY 2 DESC, 1 LIMIT 3;
SELECT count(*) FROM item a JOIN item b USING (name) WHERE a.price < b.price;
SELECT max(r) FROM (SELECT row_number() OVER (PARTITION BY name ORDER BY price, id) r FROM item);
SELECT length(json_group_array(json_object('id', id, 'name', name))) FROM item WHERE id % 3 = 0;
UPDATE item SET remark = remark || ' again' WHERE id % 4 = 1;
DELETE FROM item WHERE id % 5 = 2;
SELECT count(DISTINCT remark), count(*) FROM item;
