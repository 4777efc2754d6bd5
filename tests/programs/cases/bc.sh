#!/bin/sh
# bc: long numbers: pi and e to many places, factorials, primes.
# package: bc
prepare()
{
    cat >work.bc <<'BC'
scale = 700
4 * a(1)
e(1)
sqrt(2)
scale = 0
define f(n) {
    if (n < 2) return (1)
    return (n * f(n - 1))
}
f(600)
for (n = 2; n < 1500; n++) {
    for (d = 2; d * d <= n; d++) {
        if (n % d == 0) break
    }
    if (d * d > n) s = s + n
}
s
2^4000 % (10^40 + 9)
BC
}

work()
{
    run bc -lq "$IN/work.bc" </dev/null
}
