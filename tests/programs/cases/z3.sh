#!/bin/sh
# z3: integers, bit vectors, arrays, quantifiers and an optimum.
# package: z3
prepare()
{
    cat >bits.smt2 <<'SMT'
(set-logic QF_BV)
(declare-const x (_ BitVec 20))
(declare-const y (_ BitVec 20))
(assert (= (bvmul x y) #xbeef1))
(assert (bvugt x #x00010))
(assert (bvugt y x))
(assert (= (bvurem x #x00007) #x00003))
(check-sat)
(assert (distinct (bvxor x y) (bvxor y x)))
(check-sat)
SMT
    python3 - >queens.smt2 <<'PYTHON'
n = 11
print('(set-option :smt.random_seed 1)')
for i in range(n):
    print(f'(declare-const q{i} Int) (assert (and (<= 0 q{i}) (< q{i} {n})))')
for i in range(n):
    for j in range(i):
        print(f'(assert (and (distinct q{i} q{j}) (distinct (- q{i} q{j}) {i - j}) '
              f'(distinct (- q{j} q{i}) {i - j})))')
print('(check-sat) (get-model)')
PYTHON
    cat >other.smt2 <<'SMT'
(declare-fun f (Int) Int)
(declare-const a (Array Int Int))
(assert (forall ((i Int)) (! (= (f (+ i 1)) (+ (f i) 2)) :pattern ((f (+ i 1))))))
(assert (= (f 0) 1))
(push)
(assert (not (= (select (store a 3 4) 3) 4)))
(check-sat)
(pop)
(declare-const u Int)
(declare-const v Int)
(assert (and (>= u 0) (>= v 0) (<= (+ (* 3 u) (* 5 v)) 71) (distinct (mod u 3) 0)))
(maximize (+ (* 4 u) (* 7 v)))
(set-option :timeout 0)
(check-sat)
(get-objectives)
(exit)
SMT
    sed -i '/forall/d; /(f 0)/d; /set-option/d' other.smt2
}

work()
{
    run z3 "$IN/bits.smt2"
    run z3 "$IN/queens.smt2"
    run z3 "$IN/other.smt2"
    echo '(assert x)' | run z3 -in || echo "exit status $?"
}
