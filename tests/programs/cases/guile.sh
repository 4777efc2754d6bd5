#!/bin/sh
# guile: lists, hash tables, strings, bignums, futures; its collector maps its own memory.
# package: guile-3.0
# uses: threads
prepare()
{
    cat >work.scm <<'SCM'
(use-modules (ice-9 futures) (ice-9 regex) (srfi srfi-1) (ice-9 hash-table))
(define (primes n)
  (let loop ((i 2) (found '()))
    (if (> i n) (reverse found)
        (loop (+ i 1) (if (any (lambda (p) (and (<= (* p p) i) (zero? (modulo i p)))) found)
                          found (cons i found))))))
(define parts (map (lambda (n) (future (apply + (primes n)))) '(5000 6000 7000 8000)))
(display (map touch parts)) (newline)
(define table (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 300000))
  (hash-set! table (number->string (modulo (* i 7919) 10007)) (iota (modulo i 20))))
(display (hash-fold (lambda (k v s) (+ s (string-length k) (length v))) 0 table)) (newline)
(display (modulo (fold * 1 (iota 3000 1)) 1000000007)) (newline)
(display (string-length (number->string (expt 7 20000)))) (newline)
(display (regexp-substitute/global #f "(b)(a)" "babab" 'pre 2 1 'post)) (newline)
(exit 8)
SCM
}

work()
{
    status=0
    # one marker: with two, the collector (libgc 8.2) hung once in a plain run, one of them spinning
    export GC_MARKERS=1
    GUILE_AUTO_COMPILE=0 run guile --no-auto-compile "$IN/work.scm" || status=$?
    echo "exit status $status"
}
