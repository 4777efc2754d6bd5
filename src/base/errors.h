/* errors.h: every message a user can see, as one table.
 *
 * E is a mistake of the program, F one of Ashlar, T a tool that could not do its work.
 * A code is never renumbered and never used again. `ashlar help E03` prints the row.
 *
 *   X(code, sentence, advice)
 *
 * Threads   Constant.
 */
#ifndef ASH_BASE_ERRORS_H
#define ASH_BASE_ERRORS_H

#include <stddef.h>

#define ASH_ERRORS(X)                                                                              \
    X(E01, "double free",                                                                          \
      "The block was freed before. Look for two owners of one pointer; set the pointer to NULL "   \
      "after free, or run the program under a checker to see where the first free was.")           \
    X(E02, "pointer into a block, not to its start",                                               \
      "free and realloc take exactly the pointer that malloc returned. Look for a pointer that "   \
      "was advanced (p++) and then freed, or for a member freed instead of its struct.")           \
    X(E03, "pointer no heap gave out",                                                             \
      "The address was never returned by malloc in this process: it belongs to the stack, to "     \
      "static data, to a mapping of the program, or to another allocator.")                        \
    X(E04, "realloc of a pointer that is no live block",                                           \
      "As for free: the pointer must come from malloc, unchanged, and must not be freed yet.")     \
    X(E05, "malloc_usable_size of a pointer that is no live block",                                \
      "As for free: the pointer must come from malloc, unchanged, and must not be freed yet.")     \
    X(E06, "sized free with a wrong size",                                                         \
      "free_sized, free_aligned_sized and sized delete must get the size that was asked for. "     \
      "Often a base class without a virtual destructor is deleted.")                               \
    X(E07, "aligned free with a wrong alignment",                                                  \
      "free_aligned_sized must get the alignment that was asked for.")                             \
    X(E08, "unknown or unusable option in ASHLAR=",                                                \
      "ASHLAR=help prints the table of options. With strict an unknown key ends the program.")     \
    X(E09, "damaged heap",                                                                         \
      "Something wrote outside its block or into a freed one. The line names the page; the "       \
      "culprit is usually the block before the damaged one.")                                      \
    X(E10, "operator new is out of memory and no C++ library can throw bad_alloc",                 \
      "The program calls operator new without libstdc++. Link it, or use malloc.")                 \
    X(F01, "a promise of Ashlar does not hold",                                                    \
      "This is a fault in Ashlar, or in the program's use of memory that Ashlar could not see "    \
      "earlier. Please report the line together with ASHLAR=check=1 output.")                      \
    X(T01, "no such process or name", "Give a pid or a program name that `ashlar ps` shows.")      \
    X(T02, "permission denied",                                                                    \
      "Reading another process needs the same user and permission to trace it: see "               \
      "/proc/sys/kernel/yama/ptrace_scope, or run as root.")                                       \
    X(T03, "the process does not run on Ashlar",                                                   \
      "Start it with `ashlar run -- CMD`. Static, setuid and own-malloc programs cannot be "       \
      "preloaded.")                                                                                \
    X(T04, "the library in the process has another layout version",                                \
      "Use the `ashlar` command of the library's own release.")                                    \
    X(T05, "cannot write the file", "Check the path, the permission and the free space.")          \
    X(T06, "cannot start the program", "Check that it exists, is executable and is in PATH.")      \
    X(T07, "the library was not found",                                                            \
      "Run `ashlar` from its build tree or install it; ASHLAR_LIBRARY names another place.")       \
    X(T08, "the process ended or changed while it was read", "Try again.")                         \
    X(T09, "wrong usage",                                                                          \
      "`ashlar help` lists the verbs, `ashlar VERB --help` the options of one.")                   \
    X(T10, "cannot replay",                                                                        \
      "The line says what is wrong with the trace, or what is missing here. `ashlar lab` reads "   \
      "traces of `ashlar record`, malloc-bench, the malloc lab (.rep) and heaptrack.")             \
    X(T11, "cannot read the trace",                                                                \
      "Give a file that `ashlar record` wrote, and see its path and permissions.")

enum ash_error {
#define X(code, sentence, advice) ASH_##code,
    ASH_ERRORS(X)
#undef X
        ASH_ERROR_COUNT
};

/* "E03"; never NULL for a valid code. */
const char *ash_error_name(enum ash_error code);
const char *ash_error_sentence(enum ash_error code);
const char *ash_error_advice(enum ash_error code);
/* The code with this name, compared without case; ASH_ERROR_COUNT when there is none. */
enum ash_error ash_error_find(const char *name);

#endif
