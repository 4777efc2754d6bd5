/* test_cfi.c: rows of tables that are written here, and of tables that are damaged. */
#include "probe/cfi.h"
#include "base/rng.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#if defined(__x86_64__)
/* A table for one function of 64 bytes at `code`: push rbp; mov rbp, rsp; … */
static struct {
    uint8_t hdr[4];
    int32_t eh_frame;
    uint32_t n;
    int32_t rows[2];
    uint8_t cie[24], fde[32], end[4];
} table;
static uint8_t code[64];

static void make(void)
{
    static const uint8_t cie[24] = {20, 0,    0,  0, 0,    0,    0, 0, 1,    'z', 'R', 0,
                                    1,  0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1,   0,   0};
    static const uint8_t program[] = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x50, 0x0c, 7, 8};
    memset(&table, 0, sizeof table);
    memcpy(table.hdr, (uint8_t[]){1, 0x1b, 0x03, 0x3b}, 4);
    table.n = 1;
    table.rows[0] = (int32_t)((intptr_t)code - (intptr_t)&table);
    table.rows[1] = (int32_t)offsetof(__typeof__(table), fde);
    memcpy(table.cie, cie, sizeof cie);
    uint32_t length = 28, back = (uint32_t)(table.fde + 4 - table.cie), range = sizeof code;
    int32_t start = (int32_t)((intptr_t)code - (intptr_t)(table.fde + 8));
    memcpy(table.fde, &length, 4);
    memcpy(table.fde + 4, &back, 4);
    memcpy(table.fde + 8, &start, 4);
    memcpy(table.fde + 12, &range, 4);
    memcpy(table.fde + 17, program, sizeof program);
}

static struct ash_cfi_row row_at(size_t offset)
{
    return ash_cfi_find(table.hdr, (uintptr_t)code + offset);
}

static int64_t cfa_of(struct ash_cfi_row row)
{
    return (int64_t)row.cfa_biased - ASH_CFI_BIAS;
}

static void rows_follow_the_program(void **state)
{
    (void)state;
    make();
    struct ash_cfi_row row = row_at(0);
    assert_true(row.kind == ASH_CFI_PLAIN && !row.cfa_is_fp && !row.fp_saved && row.ra_saved);
    assert_int_equal(cfa_of(row), 8);
    assert_int_equal(row.ra_words, -1);
    row = row_at(1);
    assert_true(row.kind == ASH_CFI_PLAIN && !row.cfa_is_fp && row.fp_saved);
    assert_int_equal(cfa_of(row), 16);
    assert_int_equal(row.fp_words, -2);
    row = row_at(10);
    assert_true(row.kind == ASH_CFI_PLAIN && row.cfa_is_fp);
    assert_int_equal(cfa_of(row), 16);
    row = row_at(20);
    assert_true(!row.cfa_is_fp);
    assert_int_equal(cfa_of(row), 8);
    assert_int_equal(row_at(64).kind, ASH_CFI_STOP);
    assert_int_equal(ash_cfi_find(table.hdr, (uintptr_t)code - 1).kind, ASH_CFI_STOP);
}

static void damaged_programs_end(void **state)
{
    (void)state;
    uint64_t rng = 3;
    for (unsigned round = 0; round < 200000; round++) {
        make();
        for (unsigned i = 0; i < 4; i++) {
            table.cie[8 + ash_rng_next(&rng) % 16] = (uint8_t)ash_rng_next(&rng);
            table.fde[16 + ash_rng_next(&rng) % 16] = (uint8_t)ash_rng_next(&rng);
        }
        assert_true(row_at(ash_rng_next(&rng) % 64).kind <= ASH_CFI_LAST);
    }
}

static void other_forms_of_table_are_left_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        make();
        table.hdr[i] ^= 0x40;
        assert_true(row_at(3).kind == ASH_CFI_STOP || i == 1);
    }
    make();
    table.n = 0;
    assert_int_equal(row_at(3).kind, ASH_CFI_STOP);
}
#else
static void rows_follow_the_program(void **state)
{
    (void)state;
    skip();
}
#define damaged_programs_end rows_follow_the_program
#define other_forms_of_table_are_left_alone rows_follow_the_program
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_the_program),
        cmocka_unit_test(damaged_programs_end),
        cmocka_unit_test(other_forms_of_table_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
