#include "base/json.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "test.h"

START_TEST(the_writer_keeps_commas_nesting_and_escapes)
{
    BUF_AUTO buf b;
    buf_init(&b, 1000);
    struct json_writer w;
    json_start(&w, &b);
    json_object(&w);
    json_key(&w, "a\"b");
    json_array(&w);
    json_int(&w, INT64_MIN);
    json_uint(&w, UINT64_MAX);
    json_bool(&w, true);
    json_null(&w);
    json_array(&w);
    json_end(&w);
    json_object(&w);
    json_end(&w);
    json_end(&w);
    json_key_str(&w, STR("s"));
    json_string(&w, STR("\b\f\n\r\t\"\\/\x01\x7f\xe2\x82\xac\0end"));
    json_key(&w, "n");
    json_cstring(&w, NULL);
    json_key(&w, "raw");
    json_raw(&w, STR("[1]"));
    json_end(&w);
    OK(b.err);
    ck_assert_str_eq(b.p,
                     "{\"a\\\"b\":[-9223372036854775808,18446744073709551615,true,null,[],{}],"
                     "\"s\":\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\x7f\xe2\x82\xac\\u0000end\",\"n\":null,\"raw\":[1]}");
}
END_TEST

START_TEST(broken_utf8_becomes_the_replacement_character)
{
    BUF_AUTO buf b;
    buf_init(&b, 1000);
    struct json_writer w;
    json_start(&w, &b);
    json_string(&w, STR("a\xff"
                        "b\xe2\x82"
                        "c\xed\xa0\x80"
                        "d\xf0\x9f\x98\x80"));
    ck_assert_str_eq(b.p, "\"a\xef\xbf\xbd"
                          "b\xef\xbf\xbd"
                          "c\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                          "d\xf0\x9f\x98\x80\"");
}
END_TEST

START_TEST(doubles_are_as_short_as_they_read_back)
{
    const struct {
        double v;
        const char *text;
    } samples[] = {{0.1, "0.1"},
                   {1, "1.0"},
                   {-0.0, "-0.0"},
                   {1.0 / 3, "0.3333333333333333"},
                   {1e300, "1e+300"},
                   {5e-324, "4.94065645841247e-324"},
                   {0.1 + 0.2, "0.30000000000000004"},
                   {NAN, "null"},
                   {INFINITY, "null"}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        BUF_AUTO buf b;
        buf_init(&b, 100);
        struct json_writer w;
        json_start(&w, &b);
        json_double(&w, samples[i].v);
        ck_assert_str_eq(b.p, samples[i].text);
    }
}
END_TEST

START_TEST(a_document_reads_and_writes_back_the_same)
{
    static const char text[] =
        "{\"z\":1,\"a\":[true,false,null,-5,2.5,\"\\u0000x\xc3\xa4\"],\"o\":{\"k\":\"v\"},\"e\":[],\"f\":{}}";
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v;
    OK(json_parse(a,
                  STR(" {\"z\":1,\"a\":[true,false,null,-5,2.5,\"\\u0000x\\u00e4\"],\n"
                      "\"o\":{\"k\":\"v\"},\"e\":[],\"f\":{}} \n"),
                  &v, NULL));
    const struct json_value *o = json_get(v, "o");
    ck_assert_str_eq(json_get(o, "k")->string.p, "v");
    ck_assert_ptr_null(json_get(v, "nothing"));
    ck_assert_ptr_null(json_get(json_get(v, "z"), "k"));
    ck_assert_ptr_null(json_get(NULL, "k"));
    ck_assert_int_eq(json_get(v, "z")->integer, 1);
    ck_assert_uint_eq(json_get(v, "a")->array.items[5].string.len, 4);
    BUF_AUTO buf b;
    buf_init(&b, 1000);
    struct json_writer w;
    json_start(&w, &b);
    json_write_value(&w, v);
    ck_assert_str_eq(b.p, text);
}
END_TEST

static void refuse(const char *text, int code, int line, int column, const char *why)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v = NULL;
    struct json_error e;
    CODE(json_parse(a, str_of(text), &v, &e), code);
    ck_assert_ptr_null(v);
    ck_assert_msg(strstr(e.message, why) != NULL, "%.60s: %s", text, e.message);
    ck_assert_msg(e.line == line && e.column == column, "%.60s: line %d column %d", text, e.line, e.column);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, why));
}

START_TEST(what_is_not_json_is_refused_with_its_place)
{
    refuse("", -EINVAL, 1, 1, "end of file");
    refuse("{\"a\":1,}", -EINVAL, 1, 8, "expected");
    refuse("[1,\n2,,3]", -EINVAL, 2, 3, "unexpected");
    refuse("[1] 2", -EINVAL, 1, 5, "end of file");
    refuse("{\"a\":1,\"b\":2,\"a\":3}", -EINVAL, 1, 16, "duplicate");
    refuse("[\"a\xff\"]", -EINVAL, 1, 3, "decode byte 0xff");
    refuse("[\"\\ud800\"]", -EINVAL, 1, 9, "invalid Unicode");
    refuse("['a']", -EINVAL, 1, 2, "invalid token");
    refuse("[01]", -EINVAL, 1, 2, "invalid token");
    refuse("[18446744073709551616]", -EINVAL, 1, 21, "too big");
    refuse("[1e999]", -EINVAL, 1, 6, "overflow");
    refuse("[\"a\x1b[2J\"]", -EINVAL, 1, 3, "control character");
}
END_TEST

static char *nested(int depth)
{
    char *s = mem_alloc((size_t)depth * 2 + 1);
    memset(s, '[', (size_t)depth);
    memset(s + depth, ']', (size_t)depth);
    s[depth * 2] = '\0';
    return s;
}

START_TEST(nesting_ends_at_32_levels_wherever_it_is)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v;
    MEM_AUTO char *fits = nested(JSON_DEPTH_MAX);
    OK(json_parse(a, str_of(fits), &v, NULL));
    MEM_AUTO char *deep = nested(JSON_DEPTH_MAX + 1);
    refuse(deep, -EINVAL, 1, 33, "32 levels");
    MEM_AUTO char *very_deep = nested(1000000);
    refuse(very_deep, -EINVAL, 1, 33, "32 levels");
    /* brackets in strings nest nothing, and a quote left open cannot hide the rest */
    OK(json_parse(a, STR("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\""), &v, NULL));
    BUF_AUTO buf b;
    buf_init(&b, 10000);
    (void)buf_puts(&b, "[\"\n");
    (void)buf_puts(&b, deep);
    refuse(b.p, -EINVAL, 2, 32, "32 levels");
}
END_TEST

START_TEST(size_and_number_of_values_are_bounded)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v;
    BUF_AUTO buf b;
    buf_init(&b, (size_t)JSON_SIZE_MAX + 10);
    (void)buf_put_char(&b, '[');
    for (int i = 0; i < JSON_VALUES_MAX; i++) {
        (void)buf_put(&b, "1,", 2);
    }
    (void)buf_put(&b, "1]", 2);
    CODE(json_parse(a, buf_str(&b), &v, NULL), -E2BIG);
    char *blank = buf_reserve(&b, (size_t)JSON_SIZE_MAX + 1 - b.len);
    ck_assert_ptr_nonnull(blank);
    CODE(json_parse(a, str_n(b.p, (size_t)JSON_SIZE_MAX + 1), &v, NULL), -E2BIG);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    static const char text[] = "{\"a\":[1,2,{\"b\":\"c\"}],\"d\":\"a string that is longer than a few bytes\"}";
    for (uint64_t nth = 1;; nth++) {
        ARENA_AUTO arena *a = arena_new(NULL, 0);
        const struct json_value *v = NULL;
        mem_fail_at(nth, true);
        int r = json_parse(a, str_of(text), &v, NULL);
        mem_fail_at(0, false);
        if (r == 0) {
            ck_assert_uint_gt(nth, 1);
            ck_assert_ptr_nonnull(json_get(v, "d"));
            return;
        }
        CODE(r, -ENOMEM);
        ck_assert_ptr_null(v);
    }
}
END_TEST

START_TEST(an_arena_with_a_limit_bounds_what_is_read)
{
    ARENA_AUTO arena *a = arena_new(NULL, 2000);
    const struct json_value *v;
    CODE(json_parse(a,
                    STR("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"),
                    &v, NULL),
         -ENOMEM);
}
END_TEST

START_TEST(a_text_is_told_from_json_without_being_read)
{
    static const char *const good[] = {
        "null",
        " [ ] ",
        "{}",
        "-0",
        "0.5e-3",
        "1E+9999",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "[1,[2,{\"a\":[]}],\"\"]",
        "{\"a\":{\"b\":true},\"a\":false}",
        "\"\\ud83d\\ude00\"",
        "\t\n\r {\"\" : [ null , 1 ] } ",
    };
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "nulll",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1e10000",
        "--1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[}",
        "{]",
        "[",
        "]",
        "{",
        "}",
        "[1]]",
        "1 2",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\xff\"",
        "'a'",
        "[1]x",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(json_is_valid(str_of(good[i])), "refused: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!json_is_valid(str_of(bad[i])), "taken: %s", bad[i]);
    }
    ck_assert(!json_is_valid(STR("1\0")));
    char deep[2 * JSON_DEPTH_MAX + 3];
    for (size_t n = JSON_DEPTH_MAX; n <= JSON_DEPTH_MAX + 1; n++) {
        for (size_t i = 0; i < 2 * n; i++) {
            deep[i] = i < n ? '[' : ']';
        }
        ck_assert_int_eq(json_is_valid(str_n(deep, 2 * n)), n == JSON_DEPTH_MAX);
    }
    char digits[1001];
    memset(digits, '9', sizeof digits);
    ck_assert(json_is_valid(str_n(digits, 1000)) && !json_is_valid(str_n(digits, 1001)));
}
END_TEST

START_TEST(a_nul_byte_behind_a_number_is_seen)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v;
    CODE(json_parse(a, STR("{\"a\":12\0 }"), &v, NULL), -EINVAL);
}
END_TEST

RUN("json", 30, CASE(a_text_is_told_from_json_without_being_read), CASE(a_nul_byte_behind_a_number_is_seen),
    CASE(the_writer_keeps_commas_nesting_and_escapes), CASE(broken_utf8_becomes_the_replacement_character),
    CASE(doubles_are_as_short_as_they_read_back), CASE(a_document_reads_and_writes_back_the_same),
    CASE(what_is_not_json_is_refused_with_its_place), CASE(nesting_ends_at_32_levels_wherever_it_is),
    CASE(size_and_number_of_values_are_bounded), CASE(every_allocation_may_fail),
    CASE(an_arena_with_a_limit_bounds_what_is_read));
