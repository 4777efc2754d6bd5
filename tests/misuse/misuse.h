/* misuse.h: the wrong calls, by name, for programs that make a wrong pointer.
 *
 * A program makes its pointer and hands it to misuse_main together with its arguments:
 *
 *     PROGRAM CALL...     each call is made once, in turn; then "went on" is printed
 *
 * The pointer passes through an opaque step, so that the compiler neither warns nor optimises.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma weak free_sized
#pragma weak free_aligned_sized
extern void free_sized(void *p, size_t bytes);
extern void free_aligned_sized(void *p, size_t align, size_t bytes);

__attribute__((unused)) static void *misuse_opaque(uintptr_t addr)
{
    __asm__ volatile("" : "+r"(addr));
    return (void *)addr;
}

static void *misuse_free_it(void *p)
{
    free(p);
    return NULL;
}

/* Dies as its child did. */
static void misuse_free_in_child(void *p)
{
    pid_t child = fork();
    if (child == 0) {
        free(p);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
}

static void misuse_free_in_thread(void *p)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, misuse_free_it, p) == 0)
        pthread_join(thread, NULL);
}

/* Takes and frees blocks of the sizes that the programs use, so that lists are looked at. */
static void misuse_allocate(void)
{
    static void *blocks[3000];
    static const size_t sizes[] = {64, 3000, 20000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t i = 0; i < 3000; i++)
            blocks[i] = malloc(sizes[s]);
        for (size_t i = 0; i < 3000; i++)
            free(blocks[i]);
    }
}

__attribute__((unused)) static void misuse_call(const char *call, void *p)
{
    if (strcmp(call, "free") == 0)
        free(p);
    else if (strcmp(call, "free_in_thread") == 0)
        misuse_free_in_thread(p);
    else if (strcmp(call, "free_in_child") == 0)
        misuse_free_in_child(p);
    else if (strcmp(call, "realloc") == 0)
        printf("realloc gave %s\n", realloc(p, 100) ? "a block" : "NULL");
    else if (strcmp(call, "realloc_to_0") == 0)
        printf("realloc gave %s\n", realloc(p, (size_t)misuse_opaque(0)) ? "a block" : "NULL");
    else if (strcmp(call, "reallocarray") == 0)
        printf("reallocarray gave %s\n", reallocarray(p, 10, 10) ? "a block" : "NULL");
    else if (strcmp(call, "usable_size") == 0)
        printf("usable size %zu\n", malloc_usable_size(p));
    else if (strcmp(call, "free_sized") == 0)
        free_sized(p, 64);
    else if (strcmp(call, "free_aligned_sized") == 0)
        free_aligned_sized(p, 64, 64);
    else if (strcmp(call, "allocate") == 0)
        misuse_allocate();
    else
        printf("unknown call %s\n", call);
}

/* Before the pointer is made: a thread, and some blocks, so that what the call itself needs does
 * not take the place of the block in question. */
__attribute__((unused)) static void misuse_warm_up(void)
{
    misuse_free_in_thread(malloc(20000));
    misuse_allocate();
}

static void misuse_begin(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    setvbuf(stdout, NULL, _IONBF, 0);
}

__attribute__((unused)) static int misuse_main(int argc, char **argv, void *p)
{
    misuse_begin();
    for (int i = 1; i < argc; i++)
        misuse_call(argv[i], p);
    printf("went on\n");
    return 0;
}

#endif
