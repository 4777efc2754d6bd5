/* program.h: can the library be preloaded into a program? Judged by its file.
 *
 * The file may be damaged or hostile: every offset is checked against its size, every table has
 * a bound.
 */
#ifndef ASH_LIVE_PROGRAM_H
#define ASH_LIVE_PROGRAM_H

#include <stdbool.h>

enum ash_program {
    ASH_PROGRAM_GOOD,         /* or nothing is known against it */
    ASH_PROGRAM_STATIC,       /* no loader, so no preload */
    ASH_PROGRAM_RAISED,       /* setuid, setgid or capabilities: the loader ignores preloads */
    ASH_PROGRAM_OWN_MALLOC,   /* exports malloc: it comes before a preloaded one */
    ASH_PROGRAM_OTHER_LOADER, /* not glibc's */
    ASH_PROGRAM_OTHER_MACHINE,
    ASH_PROGRAM_CUT, /* an ELF file that ends too early */
};

/* Judges a path; a script by its interpreter. *ret_elf: it is an ELF file itself. */
enum ash_program ash_program_judge(const char *path, bool *ret_elf);
/* The same for an open file, which is not judged as a script nor by its rights. */
enum ash_program ash_program_judge_fd(int fd, bool *ret_elf);
/* In words, as the end of "it does not run on Ashlar: …"; NULL for GOOD. */
const char *ash_program_words(enum ash_program program);

#endif
