#!/bin/sh
# php: arrays, expressions, JSON and objects, its own allocator switched off.
# package: php8.2-cli
prepare()
{
    make-input json 8000 >table.json
    cat >work.php <<'PHP'
<?php
$rows = json_decode(file_get_contents(getenv('IN') . '/table.json'), true);
$count = [];
foreach ($rows as $row)
    foreach (explode(' ', $row['remark']) as $word)
        $count[$word] = ($count[$word] ?? 0) + 1;
uksort($count, fn($a, $b) => [$count[$b], $a] <=> [$count[$a], $b]);
print_r(array_slice($count, 0, 5));
class Node {
    public function __construct(public int $value, public ?Node $next) {}
}
$list = null;
for ($i = 0; $i < 100000; $i++) {
    $list = new Node($i, $list);
    $text[$i % 500] = str_repeat(chr(97 + $i % 26), $i % 300);
}
for ($sum = 0; $list; $list = $list->next) $sum += $list->value;
echo $sum, ' ', md5(implode($text)), "\n";
echo strlen(preg_replace_callback('/(\w+) (\w+)/', fn($m) => ucfirst($m[2]) . $m[1],
    implode(' ', array_column($rows, 'remark')))), "\n";
usort($rows, fn($a, $b) => [$a['price'], $a['id']] <=> [$b['price'], $b['id']]);
echo md5(json_encode($rows)), ' ', md5(gzcompress(serialize($rows))), "\n";
echo bin2hex(random_bytes(0)), intdiv(7, 2), "\n";
gc_collect_cycles();
exit(21);
PHP
}

work()
{
    status=0
    USE_ZEND_ALLOC=0 run php8.2 -n "$IN/work.php" || status=$?
    echo "exit status $status"
}
