#!/bin/sh
# swi-prolog: queens, facts, strings, exceptions and threads with message queues.
# package: swi-prolog-core
# uses: threads
prepare()
{
    cat >work.pl <<'PROLOG'
:- initialization(main, main).
queens(N, Qs) :- numlist(1, N, Ns), select_all(Ns, [], Qs).
select_all([], Qs, Qs).
select_all(Ns, Done, Qs) :- select(Q, Ns, Rest), safe(Q, 1, Done), select_all(Rest, [Q|Done], Qs).
safe(_, _, []).
safe(Q, D, [P|Ps]) :- Q =\= P + D, Q =\= P - D, D1 is D + 1, safe(Q, D1, Ps).
:- dynamic(fact/2).
worker(N, Queue) :- findall(X, (between(1, 20000, I), X is I * N mod 977), Xs),
    sort(Xs, Sorted), length(Sorted, L), thread_send_message(Queue, done(N, L)).
main :-
    queens(16, Qs), writeln(Qs),
    forall(between(1, 40000, I), (K is I mod 5003, atom_concat(key, K, A), assertz(fact(A, I)))),
    aggregate_all(count, fact(key77, _), C), writeln(C),
    retractall(fact(key1, _)),
    message_queue_create(Queue),
    findall(T, (between(1, 4, N), thread_create(worker(N, Queue), T)), Ts),
    maplist([T]>>thread_join(T, true), Ts),
    findall(N-L, (between(1, 4, N), thread_get_message(Queue, done(N, L))), Ls), writeln(Ls),
    numlist(1, 3000, Long), foldl([X, A0, A1]>>(A1 is (A0 * X) mod 1000000007), Long, 1, P),
    writeln(P), string_length("text", SL), writeln(SL),
    X is 7 ** 5000 mod 10 ** 30, writeln(X),
    catch(atom_length(_, _), error(E, _), (print(E), nl)),
    halt(5).
PROLOG
}

work()
{
    status=0
    run swipl "$IN/work.pl" || status=$?
    echo "exit status $status"
}
