#!/bin/sh
# pari-gp: factors, matrices, series, elliptic curves and long numbers.
# package: pari-gp
prepare()
{
    cat >work.gp <<'GP'
print(factor(2^151 - 1))
print(matdet(matrix(60, 60, i, j, (i * j) % 11 + 1 / (i + j))) != 0)
print(vecsum(primes(20000)))
print(polcoef(exp(x + O(x^200)), 150) * 150!)
E = ellinit([0, 0, 1, -79, 342]);
print(ellap(E, nextprime(10^12)), " ", ellrootno(E))
print(Mod(3, 10^40 + 121)^(10^39))
default(realprecision, 400)
print(Pi, " ", zeta(3))
print(#bnfinit(y^3 - y^2 + 117 * y - 15).cyc)
m = Map(); for (i = 1, 20000, mapput(m, i * 7919 % 10007, [i, i^2]));
print(#m, " ", vecsum(apply(v -> v[1], Vec(Mat(m)[, 2]))))
print(length(partitions(42)))
print(vecmax([#factor(2^n + 3)[, 1] | n <- [100 .. 160]]))
forprime (p = 2, 200000, s = if (s, (s * p) % (10^60 + 7), 1)); print(s)
1 / 0
GP
}

work()
{
    run gp -q -f -s 200M "$IN/work.gp" </dev/null || echo "exit status $?"
}
