/* test_crc.c: CRC-32C: known answers, and both ways agree. */
#include "wire/crc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void known_answers(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}; /* RFC 3720, B.4 */
    assert_int_equal(ash_crc(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(ash_crc(0, "123456789", 9), 0xe3069283);
    assert_int_equal(ash_crc_by_table(0, "123456789", 9), 0xe3069283);
}

static void both_ways_and_any_cut_agree(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 13);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint32_t whole = ash_crc(0, bytes, n);
        assert_int_equal(whole, ash_crc_by_table(0, bytes, n));
        assert_int_equal(whole, ash_crc(ash_crc(0, bytes, n / 3), bytes + n / 3, n - n / 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(both_ways_and_any_cut_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
