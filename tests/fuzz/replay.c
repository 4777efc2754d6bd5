/* replay.c: a main for fuzz targets without libFuzzer.
 *
 *     fuzz_X [--random N] [--seed S] [--length BYTES] [FILE | DIRECTORY]...
 *
 * Runs the target on each file, and on each file of each directory; then on N tapes at random, each
 * a mutation of one of the files where there are some. A failure says which one it was: the last
 * line names the file, or the seed and number of the tape.
 */
#include "base/rng.h"
#include "fuzz.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH_MAX ((size_t)1 << 16)
#define FILES_MAX 512u

static struct {
    uint8_t *bytes;
    size_t n;
} files[FILES_MAX];
static unsigned n_files;
static char running[512];

/* abort() of the target: say what was running. */
static void say_running(int signal_number)
{
    (void)!write(2, running, strlen(running));
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void run(const uint8_t *bytes, size_t n)
{
    LLVMFuzzerTestOneInput(bytes, n);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(2);
    }
    uint8_t *bytes = malloc(LENGTH_MAX);
    size_t n = bytes ? fread(bytes, 1, LENGTH_MAX, file) : 0;
    fclose(file);
    snprintf(running, sizeof running, "FAILED on file %s\n", path);
    run(bytes, n);
    if (n_files < FILES_MAX) {
        files[n_files].bytes = bytes;
        files[n_files++].n = n;
    } else {
        free(bytes);
    }
}

static void run_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        run_file(path);
        return;
    }
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_file(inside);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static size_t make_tape(uint8_t *bytes, size_t length, uint64_t *rng)
{
    size_t n = ash_rng_next(rng) % (length + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)ash_rng_next(rng);
    if (n_files == 0 || ash_rng_next(rng) % 4 == 0)
        return n;
    /* A known tape, some of its bytes changed, with a random tail. */
    unsigned which = (unsigned)(ash_rng_next(rng) % n_files);
    size_t kept = files[which].n < n ? files[which].n : n;
    memcpy(bytes, files[which].bytes, kept);
    for (size_t i = 0; kept > 0 && i <= kept / 16; i++)
        bytes[ash_rng_next(rng) % kept] = (uint8_t)ash_rng_next(rng);
    return n;
}

static void run_random(uint64_t n_tapes, uint64_t seed, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    if (!bytes)
        exit(2);
    for (uint64_t i = 0; i < n_tapes; i++) {
        uint64_t rng = seed + i * 1000003;
        size_t n = make_tape(bytes, length, &rng);
        snprintf(running, sizeof running, "FAILED on tape %llu of --seed %llu\n",
                 (unsigned long long)i, (unsigned long long)seed);
        run(bytes, n);
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    uint64_t n_tapes = 0, seed = 1, length = 4096;
    signal(SIGABRT, say_running);
    for (int i = 1; i < argc; i++) {
        uint64_t *number = !strcmp(argv[i], "--random")   ? &n_tapes
                           : !strcmp(argv[i], "--seed")   ? &seed
                           : !strcmp(argv[i], "--length") ? &length
                                                          : NULL;
        if (number && i + 1 < argc) {
            *number = strtoull(argv[++i], NULL, 0);
        } else if (number || argv[i][0] == '-') {
            fprintf(stderr, "usage: %s [--random N] [--seed S] [--length BYTES] [PATH]...\n",
                    argv[0]);
            return 2;
        } else {
            run_path(argv[i]);
        }
    }
    if (n_tapes > 0)
        run_random(n_tapes, seed, length < LENGTH_MAX ? length : LENGTH_MAX);
    printf("%u files, %llu random tapes of seed %llu\n", n_files, (unsigned long long)n_tapes,
           (unsigned long long)seed);
    if (n_files == 0 && n_tapes == 0) {
        fprintf(stderr, "replay: nothing to run\n");
        return 2;
    }
    puts("1 passed, 0 failed");
    return 0;
}
