#include "waymark/scrape/url.h"

#include "base/mem.h"
#include "test.h"

#define EQ(slice, text) ck_assert_msg(str_eq((slice), str_of(text)), #slice " is %.*s", STR_FMT(slice))

static url parse(buf *b, const char *in)
{
    url u;
    buf_init(b, URL_BUF_MAX);
    OK(url_parse(b, str_of(in), NULL, &u));
    return u;
}

START_TEST(all_parts_are_slices_of_the_serialisation)
{
    BUF_AUTO buf b;
    url u = parse(&b, "HTTPS://us%20er:p@ss@Example.com:8443/a/b?q=1#frag");
    EQ(u.href, "https://us%20er:p%40ss@example.com:8443/a/b?q=1#frag");
    EQ(u.scheme, "https");
    EQ(u.username, "us%20er");
    EQ(u.password, "p%40ss");
    EQ(u.host, "example.com");
    EQ(u.path, "/a/b");
    EQ(u.query, "q=1");
    EQ(u.fragment, "frag");
    ck_assert(u.https && u.has_query && u.has_fragment && u.has_port);
    ck_assert_uint_eq(u.port, 8443);
    ck_assert_int_eq(u.host_kind, URL_DOMAIN);
    EQ(url_target(&u), "/a/b?q=1");
    EQ(url_serialize(&u, true), "https://us%20er:p%40ss@example.com:8443/a/b?q=1#frag");
    EQ(url_serialize(&u, false), "https://us%20er:p%40ss@example.com:8443/a/b?q=1");
}
END_TEST

START_TEST(absent_and_empty_parts_differ)
{
    BUF_AUTO buf b, c;
    url u = parse(&b, "http://h"), v = parse(&c, "http://h/?#");
    ck_assert(!u.has_query && !u.has_fragment && !u.has_port && !u.https);
    ck_assert_uint_eq(u.port, 80);
    ck_assert(v.has_query && v.has_fragment && v.query.len == 0 && v.fragment.len == 0);
    EQ(url_target(&v), "/?");
    EQ(url_serialize(&v, false), "http://h/?");
}
END_TEST

START_TEST(addresses_come_in_binary_too)
{
    BUF_AUTO buf b, c;
    url u = parse(&b, "http://0xC0.0250.1"), v = parse(&c, "https://[2001:db8::255.1.2.3]:443");
    ck_assert_int_eq(u.host_kind, URL_IPV4);
    ck_assert_mem_eq(u.address, ((uint8_t[]){192, 168, 0, 1}), 4);
    ck_assert_int_eq(v.host_kind, URL_IPV6);
    ck_assert_mem_eq(v.address, ((uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 255, 1, 2, 3}), 16);
    ck_assert_uint_eq(v.port, 443);
}
END_TEST

START_TEST(a_copy_outlives_the_buf)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    BUF_AUTO buf b;
    url u = parse(&b, "http://u:p@h:81/a?q#f"), copy;
    OK(url_dup(a, &u, &copy));
    memset(b.p, 'x', b.len);
    buf_release(&b);
    EQ(copy.href, "http://u:p@h:81/a?q#f");
    EQ(copy.password, "p");
    EQ(copy.fragment, "f");
    arena *full = arena_new(a, 16);
    ck_assert_ptr_nonnull(full);
    CODE(url_dup(full, &copy, &u), URL_NOMEM);
}
END_TEST

START_TEST(origins_leave_credentials_out_and_compare_with_default_ports)
{
    BUF_AUTO buf b, c, d, out;
    url u = parse(&b, "https://u:p@h/x"), v = parse(&c, "https://h:443/y"), w = parse(&d, "http://h:443/");
    ck_assert(url_same_origin(&u, &v));
    ck_assert(!url_same_origin(&v, &w));
    buf_init(&out, 100);
    OK(url_put_origin(&out, &u));
    OK(buf_put_char(&out, ' '));
    OK(url_put_origin(&out, &w));
    ck_assert_str_eq(out.p, "https://h http://h:443");
}
END_TEST

START_TEST(the_scheme_of_other_urls_can_be_named)
{
    EQ(url_scheme(STR(" mailto:a@b")), "mailto");
    EQ(url_scheme(STR("view-source+x.1:")), "view-source+x.1");
    EQ(url_scheme(STR("1a:")), "");
    EQ(url_scheme(STR("a/b:c")), "");
    EQ(url_scheme(STR("")), "");
}
END_TEST

START_TEST(the_bufs_limit_bounds_what_is_accepted)
{
    BUF_AUTO buf b, big;
    url u;
    char text[5000];
    memset(text, 'a', sizeof text);
    memcpy(text, "http://h/", 9);
    buf_init(&b, 4096);
    buf_init(&big, URL_BUF_MAX);
    CODE(url_parse(&b, str_n(text, sizeof text), NULL, &u), URL_TOO_LONG);
    OK(url_parse(&b, str_n(text, 4000), NULL, &u));
    ck_assert_uint_eq(u.href.len, 4000);
    memset(text + 9, '"', 2000); /* three bytes each when escaped */
    CODE(url_parse(&b, str_n(text, 2009), NULL, &u), URL_TOO_LONG);
    memset(text + 9, '\t', sizeof text - 9);
    OK(url_parse(&big, str_n(text, sizeof text), NULL, &u));
    EQ(u.href, "http://h/");
    memset(text + 7, 'x', sizeof text - 7);
    memcpy(text + 7, "\u00fc", 2);
    CODE(url_parse(&big, str_n(text, sizeof text), NULL, &u), URL_HOST_TOO_LONG);
    CODE(url_parse(&big, str_n(text, 100), NULL, &u), URL_HOST_TOO_LONG); /* a label over 63 bytes */
}
END_TEST

START_TEST(every_error_has_words_of_its_own)
{
    static const int errors[] = {
        URL_OK,           URL_NOMEM,         URL_TOO_LONG,  URL_EMPTY,          URL_NO_BASE,
        URL_OTHER_SCHEME, URL_HOST_MISSING,  URL_HOST_IDNA, URL_HOST_CHARACTER, URL_HOST_IPV4,
        URL_HOST_IPV6,    URL_HOST_TOO_LONG, URL_HOST_ZONE, URL_PORT_SYNTAX,    URL_PORT_RANGE};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const char *text = url_error_text(errors[i]);
        ck_assert_str_ne(text, url_error_text(-1));
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(text, url_error_text(errors[j]));
        }
    }
    ck_assert_str_eq(url_error_text(URL_PORT_RANGE), "port out of range");
}
END_TEST

RUN("url", 10, CASE(all_parts_are_slices_of_the_serialisation), CASE(absent_and_empty_parts_differ),
    CASE(addresses_come_in_binary_too), CASE(a_copy_outlives_the_buf),
    CASE(origins_leave_credentials_out_and_compare_with_default_ports), CASE(the_scheme_of_other_urls_can_be_named),
    CASE(the_bufs_limit_bounds_what_is_accepted), CASE(every_error_has_words_of_its_own));
