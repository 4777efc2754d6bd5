/* Locks across a fork (os/lock.h L1-L3, reliability.md F1-F3): a word {generation, waiters, held};
 * the child starts a new generation and takes locks of an older one, learning that the owner died.
 * What the lock guards is two cells that must be equal, and a busy word around their change.
 * In the parent P0 and P1 work when the cut comes. What lives on in the child is neither of them
 * (a third thread forked), or one, wherever it was (its handler forked); that one ends its call
 * before anybody else is there. Then two new threads, C0 and C1, work.
 * Proved: who is told that the lock is clean, or that its owner died without busy, finds equal cells;
 * new threads never wait for a thread that is gone, others once; nobody sleeps for ever; one holder at a time.
 * -DRESUME: new threads run beside the interrupted call (a handler that allocates and returns, which
 * F3 does not promise): what remains is that the child's own holders exclude each other (L2).
 * Mutants, each must fail: M1 unlock is a store (-DRESUME); M2 the child keeps the old generation;
 * M3 waits have no time; M4 a dead owner's lock is taken without saying so; M5 busy is set after the
 * first change; M6 the lock of an old generation is taken by a store; M7 busy is cleared before the
 * last change; M8 waiters read the generation once, before they wait. */
#define GEN(w)  ((w) >> 2)
#define HELD    1
#define WAITERS 2
#define NOBODY  9
byte word, gen = 1;
bool x, y, busy, quarantined;
bool cut;                             /* the parent's other threads stand still for good */
byte alive = NOBODY;                  /* the parent's thread that lives on in the child */
bool resumed;                         /* and has ended its call */
byte asleep, wake;                    /* one bit per thread */
byte by = NOBODY;                     /* ghost: who took the lock last */
bool vain;                            /* ghost: waited for a thread that is gone; its wait began before the cut */
byte inside;                          /* ghost: new threads that hold it */
byte finished;

#define RUN(me)  ((me) >= 2 || !cut || alive == (me))
#define BIT(me)  (1 << (me))

inline take(me) {
  atomic { RUN(me) -> got = false; died = false; g = gen };
  do
  :: atomic { RUN(me) && got -> break }
  :: atomic { RUN(me) && !got -> w = word;
#ifndef M8
       g = gen
#endif
     };
     if
     :: atomic { RUN(me) && (!(w & HELD) || GEN(w) != g) ->
#ifdef M6
          w = word & HELD; skip };
        atomic { RUN(me) -> word = (g << 2) | HELD;
#else
          if :: word == w -> w = w & HELD; word = (g << 2) | HELD;
#endif
#ifndef M4
          died = (w != 0);
#endif
          token = g; got = true; by = me;
          if :: me >= 2 -> inside++; assert(inside == 1) :: else fi
#ifndef M6
             :: else fi
#endif
        }
     :: atomic { RUN(me) && (w & HELD) && GEN(w) == g ->
          if :: cut && by != alive && by < 2 -> assert(me < 2 && !vain); vain = true :: else fi;
          if :: word == w -> word = w | WAITERS; asleep = asleep | BIT(me) :: else fi };
        if
#ifdef M3
        :: atomic { RUN(me) && !(asleep & BIT(me)) -> skip }
#else
        :: atomic { RUN(me) -> asleep = asleep & ~BIT(me) }  /* the time is over */
#endif
        :: atomic { RUN(me) && (wake & BIT(me)) -> wake = wake & ~BIT(me); asleep = asleep & ~BIT(me) }
        fi
     fi
  od
}
inline unlock(me) {
  atomic { RUN(me) ->
    if :: me >= 2 -> assert(inside == 1); inside-- :: else fi;
    w = word;
#ifdef M1
    word = 0
#else
    if :: (w & HELD) && GEN(w) == token -> word = 0 :: else -> w = 0 fi
#endif
  };
  atomic { RUN(me) -> if :: (w & WAITERS) -> wake = asleep :: else fi; w = 0; g = 0 }
}
inline work(me) {
  take(me);
#ifdef RESUME
  atomic { RUN(me) -> skip };
#else
  if
  :: atomic { RUN(me) && died && busy -> quarantined = true }           /* left alone: a fresh one serves */
  :: atomic { RUN(me) && !(died && busy) && quarantined -> skip }
  :: atomic { RUN(me) && !(died && busy) && !quarantined -> assert(x == y && !busy) };
#ifdef M5
     atomic { RUN(me) -> x = 1 - x }; atomic { RUN(me) -> busy = true };
#else
     atomic { RUN(me) -> busy = true }; atomic { RUN(me) -> x = 1 - x };
#endif
#ifdef M7
     atomic { RUN(me) -> busy = false }; atomic { RUN(me) -> y = 1 - y }
#else
     atomic { RUN(me) -> y = 1 - y }; atomic { RUN(me) -> busy = false }
#endif
  fi;
#endif
  unlock(me)
}

proctype parent(byte me) {
  byte w, g, token; bool got, died;
  do
  :: atomic { RUN(me) && !resumed -> skip }; work(me);
     atomic { RUN(me) -> if :: alive == me -> resumed = true :: else fi }
  :: resumed -> break
  od
}
proctype child(byte me) {
  byte w, g, token; bool got, died;
  work(me);
#ifndef RESUME
  work(me);
#endif
  finished++
}
init {
  atomic { run parent(0); run parent(1) };
  atomic {
    cut = true;
#ifndef M2
    gen++;
#endif
    if :: alive = NOBODY; resumed = true :: alive = 0 :: alive = 1 fi
  };
#ifndef RESUME
  if :: resumed :: timeout -> assert(false) fi;             /* slept for ever */
#endif
  atomic { run child(2); run child(3) };
  if :: finished == 2 :: timeout -> assert(false) fi
}
