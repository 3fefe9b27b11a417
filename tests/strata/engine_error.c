#include <errno.h>

#include "strata/types.h"
#include "test.h"

START_TEST(every_code_has_a_name_of_its_own)
{
    for (int a = ST_E_INVALID; a >= ST_E_TOO_NEW; a--) {
        ck_assert_ptr_nonnull(st_error_name(a));
        for (int b = ST_E_INVALID; b > a; b--) {
            ck_assert_str_ne(st_error_name(a), st_error_name(b));
        }
    }
    ck_assert_str_eq(st_error_name(ST_E_TOO_NEW), "too_new");
}
END_TEST

START_TEST(other_codes_have_names_too)
{
    ck_assert_str_eq(st_error_name(0), "ok");
    ck_assert_str_eq(st_error_name(-ENOMEM), "out_of_memory");
    ck_assert_str_eq(st_error_name(-EIO), "system");
}
END_TEST

RUN("engine_error", 10, CASE(every_code_has_a_name_of_its_own), CASE(other_codes_have_names_too));
