#include "base/str.h"

#include "test.h"

static bool same(str s, const char *want)
{
    return str_eq(s, str_of(want));
}

START_TEST(comparing_ignores_case_for_ascii_only)
{
    ck_assert(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    ck_assert(!str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    ck_assert(!str_eq_nocase(STR("[a"), STR("{a")));
    ck_assert(str_starts_nocase(STR("HTTP://x"), STR("http:")));
    ck_assert(!str_starts(STR("ab"), STR("abc")));
    ck_assert(str_ends_nocase(STR("a.XML"), STR(".xml")));
    ck_assert(!str_ends(STR("a.XML"), STR(".xml")));
    ck_assert(str_eq(str_n(NULL, 0), STR("")));
}
END_TEST

START_TEST(trimming_takes_white_space_off_both_ends)
{
    ck_assert(same(str_trim(STR(" \t\r\n\fa b\n ")), "a b"));
    ck_assert_uint_eq(str_trim(STR(" \n ")).len, 0);
    ck_assert_uint_eq(str_trim(str_n(NULL, 0)).len, 0);
}
END_TEST

START_TEST(finding_gives_the_first_place_or_minus_one)
{
    ck_assert_int_eq(str_find(STR("abcabc"), STR("ca")), 2);
    ck_assert_int_eq(str_find(STR("abc"), STR("")), 0);
    ck_assert_int_eq(str_find(str_n(NULL, 0), STR("a")), -1);
    ck_assert_int_eq(str_find_char(STR("abc"), 'c'), 2);
    ck_assert_int_eq(str_find_nocase(STR("x<BODY>"), STR("<body")), 1);
    ck_assert_int_eq(str_find_nocase(STR("bod"), STR("body")), -1);
    ck_assert(same(str_from(STR("abc"), 1), "bc"));
    ck_assert_uint_eq(str_from(STR("abc"), 9).len, 0);
}
END_TEST

START_TEST(cutting_gives_every_part_the_empty_ones_too)
{
    str rest = STR("a,,b,");
    ck_assert(same(str_cut(&rest, ','), "a"));
    ck_assert(same(str_cut(&rest, ','), ""));
    ck_assert(same(str_cut(&rest, ','), "b"));
    ck_assert_ptr_nonnull(rest.p);
    ck_assert(same(str_cut(&rest, ','), ""));
    ck_assert_ptr_null(rest.p);
}
END_TEST

START_TEST(numbers_are_digits_within_their_bound)
{
    uint64_t v = 7;
    ck_assert(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
    ck_assert(v == UINT64_MAX);
    ck_assert(str_to_u64(STR("065535"), 65535, &v));
    ck_assert_uint_eq(v, 65535);
    const char *bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "65536"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!str_to_u64(str_of(bad[i]), 65535, &v), "%s", bad[i]);
    }
    ck_assert_uint_eq(v, 65535);
}
END_TEST

START_TEST(utf8_follows_rfc_3629)
{
    const char *good[] = {"",
                          "abc",
                          "\xc2\x80",
                          "\xdf\xbf",
                          "\xe0\xa0\x80",
                          "\xed\x9f\xbf",
                          "\xee\x80\x80",
                          "\xf0\x90\x80\x80",
                          "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(str_is_utf8(str_of(good[i])), "good %zu", i);
    }
    const char *bad[] = {"\x80",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xe2\x82",
                         "a\xff",
                         "\xc2z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!str_is_utf8(str_of(bad[i])), "bad %zu", i);
    }
}
END_TEST

START_TEST(a_broken_sequence_counts_its_longest_valid_prefix)
{
    bool valid = true;
    ck_assert_uint_eq(str_utf8_next(STR("\xf0\x9f\x98"), &valid), 3);
    ck_assert(!valid);
    ck_assert_uint_eq(str_utf8_next(STR("\xe2\x82z"), &valid), 2);
    ck_assert(!valid);
    ck_assert_uint_eq(str_utf8_next(STR("\xed\xa0\x80"), &valid), 1);
    ck_assert(!valid);
    ck_assert_uint_eq(str_utf8_next(STR("\xe2\x82\xac+"), &valid), 3);
    ck_assert(valid);
}
END_TEST

RUN("str", 10, CASE(comparing_ignores_case_for_ascii_only), CASE(trimming_takes_white_space_off_both_ends),
    CASE(finding_gives_the_first_place_or_minus_one), CASE(cutting_gives_every_part_the_empty_ones_too),
    CASE(numbers_are_digits_within_their_bound), CASE(utf8_follows_rfc_3629),
    CASE(a_broken_sequence_counts_its_longest_valid_prefix));
