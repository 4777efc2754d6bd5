/* init.h: what makes a static link take the library's start along.
 *
 * Nobody calls init.c, so an archive would be searched without finding a need for it, and the
 * program would run without options, thread exits and fork handling. Every file with functions
 * that programs call keeps its address; and it keeps malloc's, for a program whose first name in
 * the archive is operator new would take malloc from the C library.
 *
 * Threads   Constant.
 */
#ifndef ASH_API_INIT_H
#define ASH_API_INIT_H

extern const char ash_init_linked;
extern const char ash_malloc_linked;

static const char *const ash_init_wanted __attribute__((used)) = &ash_init_linked;

#endif
