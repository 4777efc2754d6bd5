/* stack.h: call stacks as numbers of four bytes.
 *
 * A stack is known by a hash of 64 bits of its frames; its number is its place in a table of these.
 * The frames themselves are kept by whoever is told that the stack is new: the recorder writes them
 * into its stream. Two stacks of one hash would be taken for one: with a million of them the chance
 * is 1 in 30 million.
 *
 * K1  Numbers are never reused; 0 is no stack, and what a full table answers.
 * K2  The table never moves, and one compare-and-swap puts a stack in.
 *
 * Threads   Any; start and forget: one thread.
 */
#ifndef ASH_PROBE_STACK_H
#define ASH_PROBE_STACK_H

#include "base/base.h"

#define ASH_STACK_COUNT (1u << 20) /* places; seven eighths are used */

/* Maps the table. false: no memory. */
bool ash_stack_start(void);
/* The number of a stack. *ret_new: nobody had it before. */
uint32_t ash_stack_intern(const uintptr_t *frames, size_t n, bool *ret_new);
/* All numbers are free again: the child of a fork, with a file of its own. */
void ash_stack_forget(void);

#endif
