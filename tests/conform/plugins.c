/* plugins.c: allocating libraries are loaded and unloaded many times (F25).
 *
 *     plugins LIBRARY...    each is loaded ROUNDS times
 */
#include "conform.h"
#include <pthread.h>

enum { ROUNDS = 200 };

static char **libraries;
static size_t n_libraries;

typedef void *take(size_t);
typedef void give(void *);

/* Loads a library, lets it allocate, unloads it; its block stays good. */
static void use_once(const char *library, unsigned round)
{
    void *opened = dlopen(library, round % 2 ? RTLD_NOW : RTLD_LAZY);
    CHECK_THAT(opened != NULL, "%s", dlerror());
    take *plugin_take = (take *)dlsym(opened, "plugin_take");
    give *plugin_give = (give *)dlsym(opened, "plugin_give");
    CHECK(plugin_take && plugin_give);
    size_t bytes = 1 + round * 97;
    void *theirs = plugin_take(bytes), *ours = malloc(bytes);
    CHECK(theirs && ours);
    conform_fill(theirs, bytes, round);
    plugin_give(ours);
    CHECK(dlclose(opened) == 0);
    CHECK(conform_lost(theirs, bytes, bytes, round) < 0);
    free(theirs);
}

static void loaded_and_unloaded_in_turn(void)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n_libraries; i++)
            use_once(libraries[i], round);
}

static void *use_in_a_thread(void *number)
{
    for (unsigned round = 0; round < ROUNDS / 4; round++)
        use_once(libraries[((size_t)number + round) % n_libraries], round);
    return NULL;
}

static void loaded_by_four_threads(void)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, use_in_a_thread, (void *)i) == 0);
    for (size_t i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void blocks_kept_over_unloading(void)
{
    enum { N = 500 };
    static void *blocks[N];
    for (unsigned i = 0; i < N; i++) {
        void *opened = dlopen(libraries[i % n_libraries], RTLD_NOW);
        CHECK(opened != NULL);
        blocks[i] = ((take *)dlsym(opened, "plugin_take"))(i);
        conform_fill(blocks[i], i, i);
        CHECK(dlclose(opened) == 0);
    }
    for (unsigned i = 0; i < N; i++) {
        CHECK(conform_lost(blocks[i], i, i, i) < 0);
        free(blocks[i]);
    }
}

static const struct conform_case cases[] = {
    {"libraries loaded and unloaded in turn", loaded_and_unloaded_in_turn},
    {"libraries loaded and unloaded by four threads", loaded_by_four_threads},
    {"blocks of libraries that are gone", blocks_kept_over_unloading},
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    libraries = argv + 1;
    n_libraries = (size_t)argc - 1;
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
