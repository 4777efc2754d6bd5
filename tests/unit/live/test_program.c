/* test_program.c: what can be preloaded, told by the file; damaged files are survived. */
#include "live/program.h"
#include "base/rng.h"
#include "child.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char *bytes; /* of this test program itself */
static size_t bytes_n;

static int read_self(void **state)
{
    (void)state;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    bytes_n = (size_t)status.st_size;
    bytes = malloc(bytes_n);
    assert_int_equal(pread(fd, bytes, bytes_n, 0), bytes_n);
    close(fd);
    return 0;
}

static int drop_self(void **state)
{
    (void)state;
    free(bytes);
    return 0;
}

static enum ash_program judge(const char *file, size_t n)
{
    bool elf;
    int fd = memfd_create("program", MFD_CLOEXEC);
    assert_int_equal(write(fd, file, n), n);
    enum ash_program program = ash_program_judge_fd(fd, &elf);
    close(fd);
    return program;
}

static Elf64_Phdr *part_of(char *file, uint32_t type)
{
    Elf64_Ehdr *head = (Elf64_Ehdr *)file;
    Elf64_Phdr *parts = (Elf64_Phdr *)(file + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (parts[i].p_type == type)
            return &parts[i];
    fail_msg("no such program header");
    return NULL;
}

static void a_dynamic_program_is_good(void **state)
{
    (void)state;
    assert_int_equal(judge(bytes, bytes_n), ASH_PROGRAM_GOOD);
    assert_null(ash_program_words(ASH_PROGRAM_GOOD));
}

static void a_program_without_a_loader_is_static(void **state)
{
    (void)state;
    char *file = malloc(bytes_n);
    memcpy(file, bytes, bytes_n);
    part_of(file, PT_INTERP)->p_type = PT_NULL;
    assert_int_equal(judge(file, bytes_n), ASH_PROGRAM_STATIC);
    free(file);
}

static void another_loader_and_another_machine_are_told(void **state)
{
    (void)state;
    char *file = malloc(bytes_n);
    memcpy(file, bytes, bytes_n);
    strcpy(file + part_of(file, PT_INTERP)->p_offset, "/lib/ld-musl.so.1");
    assert_int_equal(judge(file, bytes_n), ASH_PROGRAM_OTHER_LOADER);
    ((Elf64_Ehdr *)file)->e_machine = EM_S390;
    assert_int_equal(judge(file, bytes_n), ASH_PROGRAM_OTHER_MACHINE);
    file[EI_CLASS] = ELFCLASS32;
    assert_int_equal(judge(file, bytes_n), ASH_PROGRAM_OTHER_MACHINE);
    free(file);
}

static void a_file_cut_anywhere_in_what_is_loaded_is_cut(void **state)
{
    (void)state;
    size_t loaded = 0;
    Elf64_Ehdr *head = (Elf64_Ehdr *)bytes;
    Elf64_Phdr *parts = (Elf64_Phdr *)(bytes + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (parts[i].p_type == PT_LOAD && parts[i].p_offset + parts[i].p_filesz > loaded)
            loaded = parts[i].p_offset + parts[i].p_filesz;
    for (size_t n = SELFMAG; n < loaded; n += n < 4096 ? 61 : loaded / 16)
        assert_int_equal(judge(bytes, n), ASH_PROGRAM_CUT);
    assert_int_equal(judge(bytes, loaded), ASH_PROGRAM_GOOD);
}

static void flipped_bytes_are_survived(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    print_message("seed %llu\n", (unsigned long long)seed);
    char *file = malloc(bytes_n);
    memcpy(file, bytes, bytes_n);
    bool elf;
    int fd = memfd_create("program", MFD_CLOEXEC);
    assert_int_equal(write(fd, file, bytes_n), bytes_n);
    size_t sections = ((Elf64_Ehdr *)bytes)->e_shoff;
    for (int i = 0; i < 3000; i++) {
        size_t at = ash_rng_next(&seed) % 1024;
        if (i % 2)
            at = sections + ash_rng_next(&seed) % (bytes_n - sections);
        char wrong = (char)ash_rng_next(&seed);
        assert_int_equal(pwrite(fd, &wrong, 1, (off_t)at), 1);
        enum ash_program program = ash_program_judge_fd(fd, &elf);
        assert_true(program <= ASH_PROGRAM_CUT);
        assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
    }
    assert_int_equal(ash_program_judge_fd(fd, &elf), ASH_PROGRAM_GOOD);
    close(fd);
    free(file);
}

static void a_script_is_judged_by_its_interpreter(void **state)
{
    (void)state;
    char path[] = "/tmp/ashlar-script-XXXXXX";
    bool elf;
    int fd = mkstemp(path);
    assert_true(dprintf(fd, "#! %s -x\n", path) > 0); /* its own interpreter: must end */
    assert_int_equal(ash_program_judge(path, &elf), ASH_PROGRAM_GOOD);
    assert_false(elf);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_true(dprintf(fd, "#!/bin/sh\n") > 0);
    assert_int_equal(ash_program_judge(path, &elf), ASH_PROGRAM_GOOD);
    close(fd);
    unlink(path);
}

static void a_setuid_file_of_somebody_else_is_raised(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip();
    char path[] = "/tmp/ashlar-setuid-XXXXXX";
    bool elf;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, bytes, bytes_n), bytes_n);
    assert_int_equal(fchown(fd, 65534, 65534), 0);
    assert_int_equal(fchmod(fd, 04755), 0);
    assert_int_equal(ash_program_judge(path, &elf), ASH_PROGRAM_RAISED);
    assert_true(elf);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dynamic_program_is_good),
        cmocka_unit_test(a_program_without_a_loader_is_static),
        cmocka_unit_test(another_loader_and_another_machine_are_told),
        cmocka_unit_test(a_file_cut_anywhere_in_what_is_loaded_is_cut),
        cmocka_unit_test(flipped_bytes_are_survived),
        cmocka_unit_test(a_script_is_judged_by_its_interpreter),
        cmocka_unit_test(a_setuid_file_of_somebody_else_is_raised),
    };
    return cmocka_run_group_tests(tests, read_self, drop_self);
}
