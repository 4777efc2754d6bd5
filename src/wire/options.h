/* options.h: the options of ASHLAR= as one table, which the library reads and the command prints.
 *
 *   X(key, value, default, help)
 *
 * Threads   Constant.
 */
#ifndef ASH_WIRE_OPTIONS_H
#define ASH_WIRE_OPTIONS_H

#define ASH_OPTIONS(X)                                                                             \
    X(help, "", "off", "print this table at start and go on")                                      \
    X(off, "", "off", "take no option, print nothing; `ashlar run` does not preload")              \
    X(strict, "", "off", "an option that is not understood ends the program")                      \
    X(stats, "[FILE]", "off",                                                                      \
      "statistics at exit: text to stderr or FILE, .json and .prom by name, %p is the pid")        \
    X(misuse, "abort|report", "abort",                                                             \
      "a mistake seen ends the program, or is counted and reported once for each place")           \
    X(check, "0|1", "0", "1: every list of free blocks is checked before it is used again")        \
    X(limit, "SIZE|cgroup", "none", "refuse to commit more, with ENOMEM; cgroup: its limit")       \
    X(reaper, "", "off", "a thread that returns the memory of quiet processes")                    \
    X(region, "auto|sparse", "auto", "sparse: map address space in small steps from the start")    \
    X(thp, "auto|never", "auto", "never: ask for no huge pages")                                   \
    X(trace, "FILE", "off",                                                                        \
      "record every call of malloc and free into FILE, for `ashlar lab`; %p is the pid")           \
    X(trace_stacks, "off|sampled|all", "off", "with the call stack of some or all blocks")         \
    X(trace_forks, "", "off", "children of a fork, too, each into FILE with its pid")              \
    X(trace_pid, "PID", "any", "the process that FILE is for; programs it starts are children")    \
    X(seed, "N", "0", "fixes what is random in fail_rate")                                         \
    X(fail_nth, "K", "0", "for tests: the K-th system call that may fail is refused")              \
    X(fail_rate, "N", "0", "for tests: one system call in N is refused")                           \
    X(fail_call, "NAME[+NAME]", "all",                                                             \
      "for tests: which calls: mmap munmap mprotect madvise mremap")

#endif
