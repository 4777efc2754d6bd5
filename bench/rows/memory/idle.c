/* idle.c: what threads hold that have freed everything and wait.
 *
 *     idle THREADS freed|held|small
 *
 * Each of THREADS threads allocates and writes 4 blocks of each of 20 sizes from 16 to 8000 bytes,
 * frees all, and waits; with `held` it keeps 100 blocks of 16 to 512 bytes instead, with `small`
 * 100 of 16 to 128. Resident size then, less that of a second process whose threads only wait, is
 * printed per thread. Each is a process of its own: this program starts itself, with a further
 * argument.
 */
#include <math.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"

enum { SIZES = 20, PER_SIZE = 4, SIZE_MIN = 16, SIZE_LAST = 8000, HELD = 100 };

static pthread_barrier_t all_there;
static size_t sizes[SIZES];
static size_t held_max; /* bytes of a block that is kept; 0 when none is */
static bool is_bare;

static void allocate_and_free(void)
{
    void *blocks[SIZES * PER_SIZE];
    for (int i = 0; i < SIZES * PER_SIZE; i++) {
        blocks[i] = bench_need(malloc(sizes[i / PER_SIZE]));
        memset(blocks[i], 1, sizes[i / PER_SIZE]);
    }
    for (int i = 0; i < SIZES * PER_SIZE; i++)
        free(blocks[i]);
}

static void *wait_for_ever(void *argument)
{
    void *held[HELD];
    uint64_t random = bench_seed((uint64_t)(long)argument);
    if (!is_bare && !held_max)
        allocate_and_free();
    for (int i = 0; held_max && i < HELD; i++) {
        size_t size = bench_between(&random, SIZE_MIN, held_max);
        held[i] = bench_need(malloc(size));
        memset(held[i], 1, size);
    }
    pthread_barrier_wait(&all_there);
    for (;;)
        pause();
    return held[0];
}

static int one_process(long n_threads)
{
    for (int i = 0; i < SIZES; i++)
        sizes[i] = (size_t)(SIZE_MIN * pow((double)SIZE_LAST / SIZE_MIN, i / (SIZES - 1.0)) + 0.5);
    pthread_barrier_init(&all_there, NULL, (unsigned)n_threads + 1);
    for (long i = 0; i < n_threads; i++) {
        pthread_t thread;
        bench_check(pthread_create(&thread, NULL, wait_for_ever, (void *)i) == 0, "pthread_create");
    }
    pthread_barrier_wait(&all_there);
    printf("%ld\n", bench_rss_kib());
    fflush(stdout);
    _exit(0);
}

static long rss_of(char *program, char *threads, char *state)
{
    extern char **environ;
    char *words[] = {program, threads, state, "here", NULL}, text[32] = "";
    int ends[2], status = 1;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    bench_check(pipe(ends) == 0, "pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    bench_check(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, words, environ) == 0, "spawn");
    close(ends[1]);
    bench_check(read(ends[0], text, sizeof text - 1) > 0, "it says its size");
    close(ends[0]);
    bench_check(waitpid(pid, &status, 0) == pid && status == 0, "it ends well");
    return strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1);
    bench_check(argc >= 3, "two arguments");
    is_bare = strcmp(argv[2], "bare") == 0;
    held_max = strcmp(argv[2], "held") == 0 ? 512 : strcmp(argv[2], "small") == 0 ? 128 : 0;
    if (argc == 4)
        return one_process(n_threads);
    long bare_kib = rss_of(argv[0], argv[1], "bare");
    long full_kib = rss_of(argv[0], argv[1], argv[2]);
    printf("{\"thread_kib\": %.2f, \"bare_kib\": %.2f}\n",
           (double)(full_kib - bare_kib) / (double)n_threads, (double)bare_kib / (double)n_threads);
    return 0;
}
