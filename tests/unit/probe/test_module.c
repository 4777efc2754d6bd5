/* test_module.c: what a trace keeps of a module names it. */
#include "probe/module.h"
#include "heap/scene.h"
#include "wire/trace.h"
#include <link.h>

static int note_first(struct dl_phdr_info *found, size_t n, void *arg)
{
    (void)n;
    struct ash_unwind_module *module = arg;
    if (!strstr(found->dlpi_name, "libc.so"))
        return 0;
    module->start = found->dlpi_addr;
    for (int i = 0; i < found->dlpi_phnum; i++)
        if (found->dlpi_phdr[i].p_type == PT_LOAD)
            module->end =
                found->dlpi_addr + found->dlpi_phdr[i].p_vaddr + found->dlpi_phdr[i].p_memsz;
    module->path = found->dlpi_name;
    return 1;
}

static void the_c_library_has_path_and_id(void **state)
{
    (void)state;
    struct ash_unwind_module module = {0};
    if (!dl_iterate_phdr(note_first, &module))
        skip(); /* a static program */
    uint8_t bytes[ASH_MODULE_BYTES_MAX];
    size_t n = ash_module_write(&module, bytes);
    const uint8_t *at = bytes, *end = bytes + n;
    uint64_t x;
    assert_true(ash_trace_varint_get(&at, end, &x) && x == module.start);
    assert_true(ash_trace_varint_get(&at, end, &x) && x == module.end);
    assert_true(ash_trace_varint_get(&at, end, &x) && x == 0);
    uint8_t id_n = *at++;
    assert_true(id_n == 0 || id_n == 20); /* not every C library has one */
    at += id_n;
    assert_true(ash_trace_varint_get(&at, end, &x) && x == strlen(module.path));
    assert_memory_equal(at, module.path, x);
    assert_ptr_equal(at + x, end);
}

static void what_is_no_elf_has_no_id_and_the_program_its_path(void **state)
{
    (void)state;
    static uint8_t rubbish[4096];
    struct ash_unwind_module module = {(uintptr_t)rubbish, (uintptr_t)rubbish + 4096, ""};
    uint8_t bytes[ASH_MODULE_BYTES_MAX];
    size_t n = ash_module_write(&module, bytes);
    bytes[n] = 0;
    assert_non_null(strstr((char *)bytes + n - 17, "unit_probe_module"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_c_library_has_path_and_id),
        cmocka_unit_test(what_is_no_elf_has_no_id_and_the_program_its_path),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
