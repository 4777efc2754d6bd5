/* late_load.c: the library itself is opened by dlopen, late, by a program that has its own malloc;
 * where the static thread-local space is used up it fails with a sentence (F25).
 *
 *     late_load LIBRARY FILLER
 *
 * FILLER is a library with static thread-local variables that take what is left of the space.
 */
#include "conform.h"
#include <pthread.h>
#include <sys/wait.h>

static const char *library, *filler;

typedef void *taker(size_t);
typedef void giver(void *);

static void *blocks_in_a_thread(void *opened)
{
    taker *take = (taker *)dlsym(opened, "ashlar_malloc");
    giver *give = (giver *)dlsym(opened, "ashlar_free");
    if (!take || !give)
        return opened;
    for (size_t bytes = 0; bytes < 300000; bytes = bytes * 2 + 1) {
        void *p = take(bytes);
        if (!p)
            return opened;
        conform_fill(p, bytes, 3);
        give(p);
    }
    return NULL;
}

static void opened_late_it_serves_under_its_names(void)
{
    void *before = malloc(100);
    void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    CHECK_THAT(opened != NULL, "%s", dlerror());
    CHECK(blocks_in_a_thread(opened) == NULL);
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, blocks_in_a_thread, opened) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == NULL);
    free(before); /* the program's own malloc is still its own */
    free(malloc(100));
}

static void it_is_never_unloaded(void)
{
    void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    CHECK(opened != NULL);
    taker *take = (taker *)dlsym(opened, "ashlar_malloc");
    giver *give = (giver *)dlsym(opened, "ashlar_free");
    CHECK(take && give);
    char *block = take(1000);
    CHECK(dlclose(opened) == 0 && dlclose(opened) == 0);
    memset(block, 1, 1000);
    give(block); /* the code is still there */
    CHECK(dlopen(library, RTLD_NOW | RTLD_NOLOAD) != NULL);
}

static void open_after_a_filler(void)
{
    if (!dlopen(filler, RTLD_NOW))
        _exit(3);
    void *opened = dlopen(library, RTLD_NOW);
    if (opened)
        _exit(blocks_in_a_thread(opened) == NULL ? 0 : 4);
    const char *why = dlerror();
    _exit(why && strstr(why, "static TLS") ? 1 : 5);
}

static void without_room_it_fails_with_a_sentence(void)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        open_after_a_filler();
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_THAT(WIFEXITED(status), "signal %d", WTERMSIG(status));
    CHECK_THAT(WEXITSTATUS(status) == 1, "exit status %d", WEXITSTATUS(status));
}

static const struct conform_case cases[] = {
    {"without room for thread-local variables dlopen says so",
     without_room_it_fails_with_a_sentence},
    {"opened late it serves under its own names", opened_late_it_serves_under_its_names},
    {"it is never unloaded", it_is_never_unloaded},
};

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    library = argv[1];
    filler = argv[2];
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
