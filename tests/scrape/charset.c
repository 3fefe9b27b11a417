#include "waymark/scrape/charset.h"

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

static int collect(void *arg, const char *p, size_t len)
{
    ck_assert(str_is_utf8(str_n(p, len)));
    return buf_put(arg, p, len);
}

/* in as UTF-8, decoded in chunks of every size up to 5 with the same outcome; the number of bad sequences in *bad. */
static const char *decoded(const char *encoding, enum charset_repair repair, str in, uint64_t *bad)
{
    static char result[512];
    for (size_t chunk = 5; chunk > 0; chunk--) {
        BUF_AUTO buf out;
        decoder *d;
        buf_init(&out, sizeof result);
        OK(decoder_open(encoding, repair, collect, &out, &d));
        for (size_t at = 0; at < in.len; at += chunk) {
            OK(decoder_feed(d, in.p + at, in.len - at < chunk ? in.len - at : chunk));
        }
        OK(decoder_finish(d));
        *bad = decoder_bad(d);
        decoder_close(d);
        ck_assert_msg(chunk == 5 || strcmp(result, out.p) == 0, "chunk %zu: '%s' and not '%s'", chunk, out.p, result);
        memcpy(result, out.p, out.len + 1);
    }
    return result;
}

#define DECODES(encoding, in, want, n_bad)                                          \
    do {                                                                            \
        uint64_t bad_;                                                              \
        ck_assert_str_eq(decoded(encoding, CHARSET_REPLACE, STR(in), &bad_), want); \
        ck_assert_uint_eq(bad_, n_bad);                                             \
    } while (0)

#define FFFD "\xef\xbf\xbd"

START_TEST(labels_mean_what_the_standard_says)
{
    ck_assert_str_eq(charset_lookup(STR(" utf8 ")), "UTF-8");
    ck_assert_str_eq(charset_lookup(STR("ISO-8859-1")), "windows-1252");
    ck_assert_str_eq(charset_lookup(STR("us-ascii")), "windows-1252");
    ck_assert_str_eq(charset_lookup(STR("GB2312")), "GBK");
    ck_assert_str_eq(charset_lookup(STR("utf-16")), "UTF-16LE");
    ck_assert_ptr_null(charset_lookup(STR("")));
    ck_assert_ptr_null(charset_lookup(STR("utf-7")));
    ck_assert_ptr_null(charset_lookup(STR("ISO-2022-CN-EXT")));
    ck_assert_ptr_null(charset_lookup(STR("../../evil")));
}
END_TEST

START_TEST(a_content_type_names_its_charset)
{
    str v = charset_of_content_type(STR("text/html; Charset = \"utf-8\"; x=y"));
    ck_assert(str_eq(v, STR("utf-8")));
    v = charset_of_content_type(STR("text/html;charset=latin1;x"));
    ck_assert(str_eq(v, STR("latin1")));
    ck_assert_uint_eq(charset_of_content_type(STR("text/html; charset=\"utf-8")).len, 0);
    ck_assert_uint_eq(charset_of_content_type(STR("text/html; charset")).len, 0);
    ck_assert_uint_eq(charset_of_content_type(STR("text/html")).len, 0);
}
END_TEST

START_TEST(utf_8_passes_and_bad_sequences_become_replacement_characters)
{
    DECODES("UTF-8", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 0);
    DECODES("UTF-8", "a\xff z", "a" FFFD " z", 1);
    DECODES("UTF-8", "\xc0\xaf", FFFD FFFD, 2);                   /* overlong */
    DECODES("UTF-8", "\xed\xa0\x80", FFFD FFFD FFFD, 3);          /* a surrogate */
    DECODES("UTF-8", "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD, 4); /* above U+10FFFF */
    DECODES("UTF-8", "\xf0\x9f\x98z", FFFD "z", 1);               /* the maximal subpart counts once */
    DECODES("UTF-8", "a\xe2\x82", "a" FFFD, 1);                   /* the end is missing */
}
END_TEST

START_TEST(stray_bytes_can_be_read_as_windows_1252)
{
    uint64_t bad;
    ck_assert_str_eq(decoded("UTF-8", CHARSET_WINDOWS_1252, STR("\xc3\xa9 \xe9 \x80 \xe2\x82"), &bad),
                     "\xc3\xa9 \xc3\xa9 \xe2\x82\xac \xc3\xa2\xe2\x80\x9a");
    ck_assert_uint_eq(bad, 3);
}
END_TEST

START_TEST(other_encodings_are_converted)
{
    DECODES("windows-1252", "caf\xe9 \x80\x81", "caf\xc3\xa9 \xe2\x82\xac\xc2\x81", 0);
    DECODES("ISO-8859-2", "\xb1", "\xc4\x85", 0);
    DECODES("KOI8-R", "\xc1", "\xd0\xb0", 0);
    DECODES("Shift_JIS", "\x93\xfa\x96\x7b!", "\xe6\x97\xa5\xe6\x9c\xac!", 0);
    DECODES("EUC-JP", "\xc6\xfc", "\xe6\x97\xa5", 0);
    DECODES("ISO-2022-JP", "\x1b$BF|\x1b(B!", "\xe6\x97\xa5!", 0);
    DECODES("GBK", "\xc8\xd5", "\xe6\x97\xa5", 0);
    DECODES("Big5", "\xa4\xe9", "\xe6\x97\xa5", 0);
    DECODES("EUC-KR", "\xc7\xd1", "\xed\x95\x9c", 0);
    DECODES("UTF-16LE", "a\0\x3d\xd8\x00\xde", "a\xf0\x9f\x98\x80", 0);
    DECODES("UTF-16BE", "\0a\xd8\x3d\xde\x00", "a\xf0\x9f\x98\x80", 0);
    DECODES("UTF-16BE", "\0a\0", "a" FFFD, 1);
    DECODES("windows-1255", "\xe0", "\xd7\x90", 0); /* a letter that iconv holds back */
}
END_TEST

START_TEST(every_encoding_of_the_table_can_be_opened)
{
    static const char *const labels[] = {
        "utf-8",       "latin1",  "866",    "l2",     "l3",          "l4",          "cyrillic",
        "arabic",      "greek",   "hebrew", "l6",     "iso-8859-13", "iso-8859-14", "l9",
        "iso-8859-16", "koi8-r",  "koi8-u", "mac",    "windows-874", "cp1250",      "cp1251",
        "cp1253",      "latin5",  "cp1255", "cp1256", "cp1257",      "cp1258",      "x-mac-cyrillic",
        "gbk",         "gb18030", "big5",   "euc-jp", "iso-2022-jp", "sjis",        "euc-kr",
        "utf-16be",    "utf-16le"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const char *encoding = charset_lookup(str_of(labels[i]));
        decoder *d;
        ck_assert_ptr_nonnull(encoding);
        OK(decoder_open(encoding, CHARSET_REPLACE, collect, NULL, &d));
        decoder_close(d);
    }
}
END_TEST

START_TEST(any_bytes_in_any_encoding_give_utf_8)
{
    static const char *const encodings[] = {"UTF-8",        "windows-1252", "Shift_JIS", "ISO-2022-JP", "gb18030",
                                            "windows-1258", "UTF-16LE",     "Big5",      "EUC-JP"};
    unsigned seed = 7;
    for (size_t e = 0; e < sizeof encodings / sizeof *encodings; e++) {
        BUF_AUTO buf out;
        decoder *d;
        buf_init(&out, 1 << 20);
        OK(decoder_open(encodings[e], CHARSET_REPLACE, collect, &out, &d));
        for (int i = 0; i < 3000; i++) {
            char some[8];
            for (size_t j = 0; j < sizeof some; j++) {
                some[j] = (char)rand_r(&seed);
            }
            int r = decoder_feed(d, some, 1 + (size_t)rand_r(&seed) % sizeof some);
            if (r < 0) {
                ck_abort_msg("%s returned %d", encodings[e], r);
            }
        }
        OK(decoder_finish(d));
        decoder_close(d);
    }
}
END_TEST

START_TEST(code_points_are_written_as_utf_8)
{
    char out[4];
    ck_assert(utf8_put(0x20ac, out) == 3 && memcmp(out, "\xe2\x82\xac", 3) == 0);
    ck_assert(utf8_put(0x10ffff, out) == 4 && memcmp(out, "\xf4\x8f\xbf\xbf", 4) == 0);
    ck_assert(utf8_put(0xd800, out) == 3 && memcmp(out, FFFD, 3) == 0);
    ck_assert(utf8_put(0x110000, out) == 3 && memcmp(out, FFFD, 3) == 0);
}
END_TEST

START_TEST(no_memory_says_so)
{
    decoder *d;
    mem_fail_at(1, false);
    CODE(decoder_open("UTF-8", CHARSET_REPLACE, collect, NULL, &d), -ENOMEM);
    mem_fail_at(0, false);
}
END_TEST

RUN("charset", 20, CASE(labels_mean_what_the_standard_says), CASE(a_content_type_names_its_charset),
    CASE(utf_8_passes_and_bad_sequences_become_replacement_characters), CASE(stray_bytes_can_be_read_as_windows_1252),
    CASE(other_encodings_are_converted), CASE(every_encoding_of_the_table_can_be_opened),
    CASE(any_bytes_in_any_encoding_give_utf_8), CASE(code_points_are_written_as_utf_8), CASE(no_memory_says_so));
