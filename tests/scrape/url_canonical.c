#include "base/mem.h"
#include "test.h"
#include "waymark/scrape/url.h"

struct form {
    const char *in, *canonical;
    unsigned flags;
};

static const struct form forms[] = {
    {"HTTP://Example.COM", "http://example.com/"},
    {"http://example.com:80/a#f", "http://example.com/a"},
    {"http://example.com/#", "http://example.com/"},
    {"http://example.com/?", "http://example.com/?"},
    {"http://example.com/%7euser/%41%2f%2F", "http://example.com/~user/A%2F%2F"},
    {"http://example.com/a%c3%A9", "http://example.com/a%C3%A9"},
    {"http://example.com/\u00e9?\u00e9", "http://example.com/%C3%A9?%C3%A9"},
    {"http://example.com/a%2eb/%2e%2e%2e", "http://example.com/a.b/..."},
    {"http://example.com/a/%2e%2e/b", "http://example.com/b"},
    {"http://example.com/?b=2&a=1&b=1", "http://example.com/?b=2&a=1&b=1"},
    {"http://example.com/?a=%26%3d%61", "http://example.com/?a=%26%3Da"},
    {"http://example.com/?q='", "http://example.com/?q=%27"},
    {"http://user:pw@example.com/", "http://user:pw@example.com/"},
    {"http://0x7f.1:8080", "http://127.0.0.1:8080/"},
    {"http://[0:0::1]/%5b", "http://[::1]/%5B"},
    {"http://m\u00fcnchen.de/%c3%bc", "http://xn--mnchen-3ya.de/%C3%BC"},
    /* A stray '%' stays, and never becomes an escape with what stands behind it. */
    {"http://example.com/100%", "http://example.com/100%"},
    {"http://example.com/%%34%31", "http://example.com/%%341"},
    {"http://example.com/%4%31%zz", "http://example.com/%4%31%zz"},
    {"http://example.com/%%7e%67", "http://example.com/%~g"},
    /* parameters go by a named rule only */
    {"http://example.com/?utm_source=x&sid=1", "http://example.com/?utm_source=x&sid=1"},
    {"http://example.com/?utm_source=x", "http://example.com/", URL_DROP_TRACKING},
    {"http://example.com/?a=1&UTM_Medium=x&b&gclid=1&sid=2", "http://example.com/?a=1&b&sid=2", URL_DROP_TRACKING},
    {"http://example.com/?a=1&fbclid", "http://example.com/?a=1", URL_DROP_TRACKING},
    {"http://example.com/?utm%5Fsource=x&a", "http://example.com/?a", URL_DROP_TRACKING},
    {"http://example.com/?utmost=1&my_gclid=2", "http://example.com/?utmost=1&my_gclid=2", URL_DROP_TRACKING},
    {"http://example.com/?", "http://example.com/?", URL_DROP_TRACKING},
    {"http://example.com/?&", "http://example.com/?&", URL_DROP_TRACKING},
    {"http://example.com/?&utm_x&", "http://example.com/?&", URL_DROP_TRACKING},
    {"http://example.com/?PHPSESSID=abc&x=1&sid=2", "http://example.com/?x=1", URL_DROP_SESSION},
    {"http://example.com/?ASPSESSIONIDQQ=abc&x=1", "http://example.com/?x=1", URL_DROP_SESSION},
    {"http://example.com/a;jsessionid=1F?x", "http://example.com/a?x", URL_DROP_SESSION},
    {"http://example.com/a;JSESSIONID=1;v=2/b;x", "http://example.com/a;v=2/b;x", URL_DROP_SESSION},
    {"http://example.com/..;jsessionid=1/b", "http://example.com/..;jsessionid=1/b", URL_DROP_SESSION},
    {"http://example.com/;jsessionid=1", "http://example.com/", URL_DROP_SESSION},
    {"http://example.com/a;jsessionid=1?utm_id=1&sid=2", "http://example.com/a", URL_DROP_SESSION | URL_DROP_TRACKING},
    {"http://example.com/a;jsessionid=1?sid=2", "http://example.com/a;jsessionid=1?sid=2", URL_DROP_TRACKING},
};

START_TEST(canonical_form_is_as_listed_and_stays_so)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *f = &forms[i];
        BUF_AUTO buf b, again;
        str got, twice;
        buf_init(&b, URL_BUF_MAX);
        buf_init(&again, URL_BUF_MAX);
        OK(url_canonicalize(&b, str_of(f->in), NULL, f->flags, &got));
        ck_assert_msg(str_eq(got, str_of(f->canonical)), "%s gives %.*s, not %s", f->in, STR_FMT(got), f->canonical);
        OK(url_canonicalize(&again, got, NULL, f->flags, &twice));
        ck_assert_msg(str_eq(got, twice), "%s becomes %.*s when done again", f->canonical, STR_FMT(twice));
    }
}
END_TEST

/* The quick check may miss a canonical URL of a rare shape, but these are common. */
static const char *const quick[] = {
    "http://example.com/",
    "https://www.example.com/a/b.html?x=1&y=%20",
    "https://a-b.example.co.uk:8443/%C3%A9/.well-known/x..y/...?",
    "http://127.0.0.1:8080/sitemap.xml",
    "http://localhost/a//b/;c=d,e'(f)!$&*+=:@~_|[]",
    "http://example.com/x?/../a=[b]{c}|^`&d=/e?",
};
static const char *const not_canonical[] = {
    "",
    "http",
    "http:",
    "http://",
    "http:///",
    "http://example.com",
    "https://example.com?",
    "HTTP://example.com/",
    "http://Example.com/",
    "http://example.com:80/",
    "https://example.com:443/",
    "http://example.com:/",
    "http://example.com:08/",
    "http://example.com:65536/",
    "http://example.com:8x/",
    "http://example.com/#",
    "http://example.com/./",
    "http://example.com/a/..",
    "http://example.com/..?a",
    "http://example.com/a/.",
    "http://example.com/ ",
    "http://example.com/%7e",
    "http://example.com/%7E",
    "http://example.com/%c3",
    "http://example.com/a\\b",
    "http://example.com/a\tb",
    "http://example.com/\u00fc",
    "http://example.com/?\"",
    "http://example.com/?'",
    "http://example.com/?%41",
    "http://example.com/?#",
    "http://1.2.3/",
    "http://127.0.0.01/",
    "http://300.1.1.1/",
    "http://0x7f/",
    "http://ex ample.com/",
    "http://a%41/",
    "http://xn--a/",
    "http:/example.com/",
    "ftp://example.com/",
    "http://example.com/{",
    " http://example.com/",
};

START_TEST(the_quick_check_knows_common_urls_and_no_wrong_ones)
{
    BUF_AUTO buf b;
    buf_init(&b, URL_BUF_MAX);
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) {
        str in = str_of(quick[i]), got;
        ck_assert_msg(url_is_canonical(in), "%s", quick[i]);
        OK(url_canonicalize(&b, in, NULL, 0, &got));
        ck_assert_ptr_eq(got.p, in.p); /* itself, not a copy */
        url u;
        OK(url_parse(&b, in, NULL, &u));
        ck_assert_msg(str_eq(url_serialize(&u, true), in), "%s is parsed to %s", quick[i], b.p);
    }
    for (size_t i = 0; i < sizeof not_canonical / sizeof *not_canonical; i++) {
        ck_assert_msg(!url_is_canonical(str_of(not_canonical[i])), "%s", not_canonical[i]);
    }
}
END_TEST

/* Every string over an alphabet of awkward pieces, up to five of them. */
static const char *const atoms[] = {"%", "2e", "%2E", "41", "/", ".", "?", "a", "#", "\\", ";sid=1", "&", "\xc3\xbc"};
enum { ATOMS = sizeof atoms / sizeof *atoms, PIECES = 5 };

static void properties(str in)
{
    BUF_AUTO buf b, c;
    url u;
    buf_init(&b, URL_BUF_MAX);
    buf_init(&c, URL_BUF_MAX);
    OK(url_parse(&b, in, NULL, &u));
    OK(url_parse(&c, u.href, NULL, &u));
    ck_assert_str_eq(b.p, c.p);
    for (unsigned flags = 0; flags <= (URL_DROP_SESSION | URL_DROP_TRACKING); flags++) {
        str once, twice;
        OK(url_canonicalize(&b, in, NULL, flags, &once));
        ck_assert_msg(!url_is_canonical(in) || flags || once.p == in.p, "%.*s", STR_FMT(in));
        OK(url_canonicalize(&c, once, NULL, flags, &twice));
        ck_assert_msg(str_eq(once, twice), "%.*s: %.*s then %.*s", STR_FMT(in), STR_FMT(once), STR_FMT(twice));
        /* Only a stray '%' keeps a canonical URL of a plain host from being known at once. */
        ck_assert_msg(url_is_canonical(once) || str_find_char(once, '%') >= 0, "%.*s", STR_FMT(once));
    }
}

START_TEST(parsing_and_canonical_form_are_idempotent_over_all_small_urls)
{
    unsigned total = 1;
    for (unsigned i = 0; i < PIECES; i++) {
        total *= ATOMS;
    }
    for (unsigned n = 0; n < total; n++) {
        char text[64] = "http://h/";
        size_t len = strlen(text);
        for (unsigned i = 0, rest = n; i < PIECES; i++, rest /= ATOMS) {
            const char *atom = atoms[rest % ATOMS];
            memcpy(text + len, atom, strlen(atom) + 1);
            len += strlen(atom);
        }
        if (n % 7 == 0 || n < ATOMS * ATOMS * ATOMS) {
            properties(str_n(text, len));
        }
    }
}
END_TEST

START_TEST(running_out_of_memory_is_an_error_like_any_other)
{
    str got;
    url u;
    BUF_AUTO buf b;
    buf_init(&b, URL_BUF_MAX);
    mem_fail_at(1, true);
    CODE(url_canonicalize(&b, STR("http://h/%41"), NULL, 0, &got), URL_NOMEM);
    CODE(url_canonicalize(&b, STR("http://h/?utm_x"), NULL, URL_DROP_TRACKING, &got), URL_NOMEM);
    CODE(url_parse(&b, STR("http://h/"), NULL, &u), URL_NOMEM);
    OK(url_canonicalize(&b, STR("http://h/"), NULL, 0, &got)); /* needs none */
    mem_fail_at(0, false);
}
END_TEST

RUN("url_canonical", 60, CASE(canonical_form_is_as_listed_and_stays_so),
    CASE(the_quick_check_knows_common_urls_and_no_wrong_ones),
    CASE(parsing_and_canonical_form_are_idempotent_over_all_small_urls),
    CASE(running_out_of_memory_is_an_error_like_any_other));
