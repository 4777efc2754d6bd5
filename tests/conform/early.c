/* early.c: calls before main: preinit_array, constructors, an ifunc resolver (F8). */
#include "conform.h"
#include <pthread.h>

enum { N_BLOCKS = 40 };

struct moment {
    void *blocks[N_BLOCKS];
    bool fine;
};

static struct moment in_preinit, in_first_constructor, in_last_constructor;

static size_t bytes_of(unsigned i)
{
    return i * i * i * 20 + 1;
}

/* Everything that may be called then, and blocks that stay. */
static void use(struct moment *moment)
{
    moment->fine = true;
    for (unsigned i = 0; i < N_BLOCKS; i++) {
        size_t bytes = bytes_of(i);
        void *p = i % 3 == 0 ? malloc(bytes) : i % 3 == 1 ? calloc(1, bytes) : memalign(64, bytes);
        if (p)
            conform_fill(p, bytes, i);
        p = realloc(p, bytes + 100);
        moment->fine &= p != NULL;
        moment->blocks[i] = p;
        free(malloc(bytes));
    }
}

static void use_preinit(int argc, char **argv, char **environment)
{
    (void)argc, (void)argv, (void)environment;
    use(&in_preinit);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(int, char **, char **) = use_preinit;

__attribute__((constructor(101))) static void construct_first(void)
{
    use(&in_first_constructor);
}

__attribute__((constructor)) static void construct_last(void)
{
    use(&in_last_constructor);
}

static void check_moment(struct moment *moment)
{
    CHECK(moment->fine);
    for (unsigned i = 0; i < N_BLOCKS; i++) {
        size_t bytes = bytes_of(i);
        CHECK_THAT(conform_lost(moment->blocks[i], bytes, 0, i) < 0, "block %u", i);
        CHECK(malloc_usable_size(moment->blocks[i]) >= bytes + 100);
        free(moment->blocks[i]);
    }
}

static void from_preinit_array(void)
{
    check_moment(&in_preinit);
}

static void from_a_constructor_before_others(void)
{
    check_moment(&in_first_constructor);
}

static void *check_in_a_thread(void *moment)
{
    check_moment(moment);
    return NULL;
}

static void from_a_constructor_freed_by_a_thread(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, check_in_a_thread, &in_last_constructor) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- ifunc: the resolver runs while this program is relocated, the last of all objects, and
 * before the initial values of thread-local variables are in place ---- */

static void *resolvers_block;

static int answer(void)
{
    return 42;
}

__attribute__((used)) static int (*resolve(void))(void)
{
    void *p = malloc(64);
    resolvers_block = malloc(1000);
    free(p);
    return answer;
}

int early_answer(void) __attribute__((ifunc("resolve")));

static void from_an_ifunc_resolver(void)
{
    CHECK(early_answer() == 42);
    CHECK(resolvers_block != NULL && malloc_usable_size(resolvers_block) >= 1000);
    memset(resolvers_block, 1, 1000);
    free(resolvers_block);
    for (unsigned i = 0; i < 1000; i++)
        free(malloc(1000));
}

/* ---- a library that this program needs: its constructor runs before ours ---- */

extern void *plugin_block;
extern void *plugin_take(size_t bytes);

static void from_the_constructor_of_a_needed_library(void)
{
    CHECK(plugin_block != NULL && malloc_usable_size(plugin_block) >= 1000);
    free(plugin_block);
    plugin_block = NULL;
    free(plugin_take(100));
}

static const struct conform_case cases[] = {
    {"blocks of preinit_array", from_preinit_array},
    {"blocks of a constructor that runs first", from_a_constructor_before_others},
    {"blocks of a constructor, freed by a thread", from_a_constructor_freed_by_a_thread},
    {"a block of an ifunc resolver", from_an_ifunc_resolver},
    {"a block of a needed library's constructor", from_the_constructor_of_a_needed_library},
};

CONFORM_MAIN(cases)
