#include "waymark/scrape/scope.h"

#include "test.h"

static const struct {
    const char *host, *domain;
} registrable[] = {
    {"example.com", "example.com"},
    {"www.example.com", "example.com"},
    {"a.b.example.co.uk", "example.co.uk"},
    {"a.b.example.co.uk.", "example.co.uk"},
    {"co.uk", ""},
    {"localhost", ""},
    {"www.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
    {"site.github.io", "site.github.io"},
    {"127.0.0.1", ""},
    {"[::1]", ""},
    {"", ""},
    {".", ""},
};

START_TEST(registrable_domain_is_one_label_below_the_public_suffix)
{
    for (size_t i = 0; i < sizeof registrable / sizeof *registrable; i++) {
        str got = scope_registrable(str_of(registrable[i].host));
        ck_assert_msg(str_eq(got, str_of(registrable[i].domain)), "%s gives %.*s", registrable[i].host, STR_FMT(got));
    }
    char longest[400];
    memset(longest, 'a', sizeof longest);
    ck_assert_uint_eq(scope_registrable(str_n(longest, sizeof longest)).len, 0);
}
END_TEST

static const struct {
    unsigned narrowest; /* the narrowest scope that covers; one past the last: none does */
    const char *home, *host;
} covers[] = {
    {SCOPE_HOST, "example.com", "example.com"},
    {SCOPE_HOST, "example.com", "example.com."},
    {SCOPE_WWW, "example.com", "www.example.com"},
    {SCOPE_WWW, "www.example.com", "example.com"},
    {SCOPE_SITE, "www.example.com", "blog.example.com"},
    {SCOPE_SITE + 1, "example.com", "example.org"},
    {SCOPE_SITE + 1, "a.co.uk", "b.co.uk"},
    {SCOPE_SITE + 1, "a.github.io", "b.github.io"},
    {SCOPE_SITE + 1, "10.0.0.1", "11.0.0.1"},
    {SCOPE_SITE + 1, "example.com", "notexample.com"},
    {SCOPE_SITE + 1, "localhost", ""},
};

START_TEST(wider_scopes_cover_what_narrower_ones_do)
{
    for (size_t i = 0; i < sizeof covers / sizeof *covers; i++) {
        for (unsigned s = SCOPE_HOST; s <= SCOPE_SITE; s++) {
            ck_assert_msg(scope_covers((enum scope)s, str_of(covers[i].home), str_of(covers[i].host)) ==
                              (s >= covers[i].narrowest),
                          "%s and %s in scope %u", covers[i].home, covers[i].host, s);
        }
    }
}
END_TEST

RUN("scope", 10, CASE(registrable_domain_is_one_label_below_the_public_suffix),
    CASE(wider_scopes_cover_what_narrower_ones_do));
