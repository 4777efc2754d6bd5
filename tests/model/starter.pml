/* Starter heaps (allocator.md 7.1): one heap, many threads, one lock; malloc waits for the lock, free
 * only tries it and otherwise goes the way of a remote free; whoever holds the lock drains.
 * Two pages of two blocks, T threads, K operations in all; any thread frees any block. A page all of
 * whose blocks are free goes back to space at once and may be taken again as a new one.
 * Proved: one writer of line 1 (H1); no block is given twice or lost; a page is never released while
 * a sender may still touch it (R3); after one tick every free has been seen (R9).
 * Mutants, each must fail: M1 a free that did not get the lock goes on as if it had; M2 the pusher
 * drains when the lock merely looks free; M3 release ignores NOTIFIED; M4 the holder unlocks before
 * the page's state is decided; M5 the push does not ask NOTIFIED; M6 inext is read after the clear;
 * M7 refill clears NOTIFIED; M8 the tick does not drain. */
#ifndef K
#define K 5
#endif
#ifndef T
#define T 3
#endif
#define NP 2
#define CAP 2
#define NB 4
#define PG(b)   (((b)-1)/CAP)
#define HEAD(x) ((x)&7)
#define CNT(x)  (((x)>>3)&7)
#define NOTE    64
#define NOBODY  255

mtype = { RELEASED, OPEN, ZOMBIE };
mtype st[NP] = RELEASED;
byte nxt[NB+1], xf[NP], inext[NP], inbox;            /* page number + 1, 0 = none */
byte lf[NP], out[NP];
bool lock;
byte ops, done;
byte where[NB+1];                                    /* ghost: 0 listed, 1 user, 2 being freed */
byte touch[NP];                                      /* ghost: senders inside a flush of this page */
bool linked[NP];                                     /* ghost: in the inbox or in a popper's hands */
byte holder = NOBODY;                                /* ghost: who may write line 1 */

inline line1() { assert(holder == _pid) }
inline take()  { atomic { !lock -> lock = true; assert(holder == NOBODY); holder = _pid } }
inline drop()  { atomic { line1(); holder = NOBODY; lock = false } }

inline decide(p, c) {                 /* c blocks of the page wait in xfree; part of the caller's step */
  line1();
  assert(out[p] >= c);
  if
  :: out[p] > c -> if :: st[p] == ZOMBIE -> assert(false) :: else fi
#ifdef M3
  :: out[p] == c -> assert(touch[p] == 0); st[p] = RELEASED
#else
  :: out[p] == c && (xf[p] & NOTE) -> st[p] = ZOMBIE
  :: out[p] == c && !(xf[p] & NOTE) -> assert(touch[p] == 0); st[p] = RELEASED
#endif
  fi
}
inline drain() {
  atomic { line1(); g = inbox; inbox = 0 }
  do
  :: g == 0 -> break
  :: else -> q = g-1;
#ifndef M6
     n = inext[q];
#endif
     if
     :: lf[q] == 0 -> d_step { line1(); x = xf[q]; xf[q] = 0; linked[q] = false; lf[q] = HEAD(x); out[q] = out[q] - CNT(x); x = 0 }
     :: else -> d_step { line1(); x = xf[q]; xf[q] = x & (NOTE-1); linked[q] = false }
     fi;
#ifdef M6
     n = inext[q];
#endif
     atomic { decide(q, CNT(x)); x = 0 };
     g = n
  od; n = 0; q = 0
}
inline pop(p) { d_step { line1(); b = lf[p]; lf[p] = nxt[b]; out[p]++; assert(where[b] == 0); where[b] = 1; b = 0 } }
inline refill(p) {                    /* lfree is empty: take what came, membership untouched */
#ifdef M7
  d_step { line1(); x = xf[p]; xf[p] = 0; lf[p] = HEAD(x); out[p] = out[p] - CNT(x); x = 0 }
#else
  d_step { line1(); x = xf[p]; xf[p] = x & NOTE; lf[p] = HEAD(x); out[p] = out[p] - CNT(x); x = 0 }
#endif
}
inline new(p) {
  d_step { line1(); assert(!linked[p] && touch[p] == 0 && !(xf[p] & NOTE));
           assert(where[p*CAP+1] == 0 && where[p*CAP+2] == 0);
           xf[p] = 0; out[p] = 0; lf[p] = p*CAP+1; nxt[p*CAP+1] = p*CAP+2; nxt[p*CAP+2] = 0; st[p] = OPEN }
}
inline alloc() {
  take(); drain();
  if
  :: st[0] == OPEN && lf[0] != 0 -> pop(0)
  :: st[1] == OPEN && lf[1] != 0 -> pop(1)
  :: else -> if
     :: st[0] == OPEN && CNT(xf[0]) != 0 -> refill(0); pop(0)
     :: st[1] == OPEN && CNT(xf[1]) != 0 -> refill(1); pop(1)
     :: else -> if
        :: st[0] == RELEASED -> new(0); pop(0)
        :: st[1] == RELEASED -> new(1); pop(1)
        :: else -> skip                                     /* out of memory */
        fi
     fi
  fi;
  drop()
}
inline remote(b) {
  p = PG(b); d_step { touch[p]++; o = xf[p] };
  do
  :: !ok -> nxt[b] = HEAD(o);
     atomic { if
     :: xf[p] == o -> assert(st[p] != RELEASED);
#ifdef M5
        i = 1;
#else
        i = ((o & NOTE) -> 0 : 1);
#endif
        xf[p] = b | ((CNT(o)+1) << 3) | NOTE; ok = true; where[b] = 0;
        if :: i == 0 -> touch[p]-- :: else fi
     :: else -> o = xf[p]
     fi }
  :: else -> break
  od;
  if
  :: i == 1 ->
     ok = false; i = inbox;
     do
     :: !ok -> assert(st[p] != RELEASED); inext[p] = i;
        atomic { if :: inbox == i -> assert(!linked[p]); linked[p] = true; inbox = p+1; ok = true; touch[p]--
                    :: else -> i = inbox fi }
     :: else -> break
     od
#ifdef M2
     ; if :: !lock -> drain() :: else fi
#endif
  :: else
  fi;
  atomic { ok = false; o = 0; i = 0; p = 0 }
}
inline release(b) {
  atomic { ok = !lock; if :: ok -> lock = true; holder = _pid :: else fi };
#ifdef M1
  ok = true;
#endif
  if
  :: ok -> ok = false; q = PG(b);
     atomic { line1(); assert(st[q] == OPEN); where[b] = 0; nxt[b] = lf[q]; lf[q] = b; out[q]-- };
#ifdef M4
     drop(); decide(q, CNT(xf[q]))
#else
     atomic { decide(q, CNT(xf[q])) };
     drain(); drop()
#endif
     ; q = 0
  :: else -> remote(b)
  fi
}

proctype thread() {
  byte b, g, n, q, x, o, i, p; bool ok;
  do
  :: atomic { ops < K -> ops++ };
     if
     :: alloc()
     :: atomic { where[1] == 1 || where[2] == 1 || where[3] == 1 || where[4] == 1 ->
          if :: where[1] == 1 -> b = 1 :: where[2] == 1 -> b = 2 :: where[3] == 1 -> b = 3 :: where[4] == 1 -> b = 4 fi;
          where[b] = 2 };
        release(b); b = 0
     fi
  :: ops == K -> break
  od;
  done++
}
init {
  byte b, g, n, q, x, c;
  atomic { c = 0; do :: c < T -> run thread(); c++ :: else -> break od; c = 0 };
  done == T;
#ifndef M8
  take(); drain(); drop();                                  /* one tick */
#endif
  atomic {
    assert(inbox == 0 && holder == NOBODY && !lock);
    q = 0;
    do :: q < NP -> assert(!(xf[q] & NOTE) && !linked[q] && st[q] != ZOMBIE);
          if :: st[q] == OPEN ->
                n = 0; c = q*CAP+1; do :: c <= q*CAP+CAP -> assert(where[c] < 2); n = n + where[c]; c++ :: else -> break od;
                assert(n > 0);                              /* R9: else the page had gone back */
                x = 0; b = lf[q]; do :: b == 0 -> break :: else -> assert(where[b] == 0); x++; b = nxt[b] od;
                g = 0; b = HEAD(xf[q]); do :: b == 0 -> break :: else -> assert(where[b] == 0); g++; b = nxt[b] od;
                assert(g == CNT(xf[q]) && out[q] == n + g && n + x + g == CAP)   /* none lost */
             :: else -> assert(where[q*CAP+1] == 0 && where[q*CAP+2] == 0)
          fi; q++
       :: else -> break od }
}
