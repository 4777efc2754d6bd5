/* lift.h: how the subject tells its supervisor to begin and to end refusing: an madvise that
 * no kernel knows, which the supervisor answers itself. */
#ifndef FAULTS_LIFT_H
#define FAULTS_LIFT_H

#include <sys/syscall.h>
#include <unistd.h>

enum lift { LIFT_REFUSE = 0x4153480, LIFT_ADMIT = 0x4153481 };

static inline void lift_tell(enum lift what)
{
    (void)syscall(SYS_madvise, 0L, 0L, (long)what);
}

#endif
