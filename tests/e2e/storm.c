/* storm.c: threads that allocate while others fork; each child allocates, resizes and frees. Prints
 * what malloc promises and does not keep, or "good". */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, FORKS = 60, HELD = 64 };

static int n_bad;

static void must(int is_true, const char *what)
{
    if (is_true)
        return;
    printf("%s\n", what);
    n_bad++;
}

static void *churn(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg, wrong = 0;
    unsigned char *held[HELD] = {0};
    size_t sizes[HELD] = {0};
    for (int i = 0; i < 30000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned k = seed >> 16 & (HELD - 1);
        if (held[k] && sizes[k])
            wrong += held[k][0] != k || held[k][sizes[k] - 1] != k;
        free(held[k]);
        sizes[k] = seed >> 8 & 2047;
        held[k] = malloc(sizes[k]);
        memset(held[k], (int)k, sizes[k]);
    }
    for (int i = 0; i < HELD; i++)
        free(held[i]);
    return (void *)(uintptr_t)wrong;
}

static void child(char *parents)
{
    char *block = malloc(100);
    strcpy(block, "kept");
    block = realloc(block, 100000);
    int bad = strcmp(block, "kept") != 0;
    free(block);
    parents = realloc(parents, 5000); /* may lie in a heap that nobody will ever unlock */
    bad |= strcmp(parents, "the parent's") != 0;
    free(parents);
    _exit(bad);
}

static void promises(void)
{
    void *p = NULL;
    must(posix_memalign(&p, 3, 8) == EINVAL && !p, "posix_memalign takes 3");
    must(posix_memalign(&p, 4096, 8) == 0 && (uintptr_t)p % 4096 == 0, "posix_memalign");
    free(p);
    p = calloc(1000, 1000);
    must(p && ((char *)p)[999999] == 0, "calloc is not zero");
    free(p);
    volatile size_t huge = SIZE_MAX - 100; /* the compiler would know better */
    errno = 0;
    must(!malloc(huge) && errno == ENOMEM, "malloc of everything");
    must(!calloc(huge / 2, 3) && errno == ENOMEM, "calloc wraps");
    must(!reallocarray(NULL, huge / 2, 3) && errno == ENOMEM, "reallocarray wraps");
    errno = 7;
    free(malloc(0));
    free(NULL);
    must(errno == 7, "free changes errno");
    char *text = malloc(10);
    strcpy(text, "123456789");
    for (size_t size = 20; size < 1000000; size *= 2)
        text = realloc(text, size);
    text = realloc(text, 10);
    must(strcmp(text, "123456789") == 0, "realloc loses bytes");
    must(!realloc(text, 0), "realloc to nothing");
}

int main(void)
{
    pthread_t threads[THREADS];
    promises();
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, churn, (void *)i);
    for (int i = 0; i < FORKS; i++) {
        char *parents = strcpy(malloc(300), "the parent's");
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            child(parents);
        waitpid(pid, &status, 0);
        must(status == 0, "a child went wrong");
        free(parents);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        must(!wrong, "a thread's bytes changed");
    }
    if (n_bad == 0)
        printf("good\n");
    return n_bad != 0;
}
