#include "waymark/scrape/robots.h"

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

static robots *parse(const char *body)
{
    robots *r = NULL;
    OK(robots_parse(body, strlen(body), &r));
    return r;
}

/* One question to one file. */
struct verdict {
    const char *body, *agent, *target;
    bool allowed;
};

static void ask(const struct verdict *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ROBOTS_AUTO robots *r = parse(v[i].body);
        ck_assert_msg(robots_allows(r, v[i].agent, str_of(v[i].target)) == v[i].allowed,
                      "%s should %sbe allowed %s by\n%s", v[i].agent, v[i].allowed ? "" : "not ", v[i].target,
                      v[i].body);
    }
}
#define ASK(list) ask((list), sizeof(list) / sizeof *(list))

/* RFC 9309 section 5.1 and 2.2.1. */
#define RFC_SIMPLE                                                                             \
    "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n"          \
    "User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n" \
    "User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\nUser-Agent: quxbot\n"
#define RFC_MERGED "user-agent: ExampleBot\ndisallow: /foo\ndisallow: /bar\n\nuser-agent: ExampleBot\ndisallow: /baz\n"
#define RFC_LONGEST "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"

static const struct verdict rfc[] = {
    {RFC_SIMPLE, "anybot", "/a.gif", false},
    {RFC_SIMPLE, "anybot", "/a.gif?", true},
    {RFC_SIMPLE, "anybot", "/example/x", false},
    {RFC_SIMPLE, "anybot", "/publications/", true},
    {RFC_SIMPLE, "foobot", "/", false},
    {RFC_SIMPLE, "foobot", "/publications/", false},
    {RFC_SIMPLE, "FooBot", "/example/page.html", true},
    {RFC_SIMPLE, "foobot", "/example/allowed.gif", true},
    {RFC_SIMPLE, "barbot", "/example/page.html", false},
    {RFC_SIMPLE, "bazbot", "/example/page.html", false},
    {RFC_SIMPLE, "bazbot", "/a.gif", true},
    {RFC_SIMPLE, "quxbot", "/a.gif", true},
    {RFC_MERGED, "examplebot", "/foo", false},
    {RFC_MERGED, "examplebot", "/bar", false},
    {RFC_MERGED, "examplebot", "/baz", false},
    {RFC_LONGEST, "foobot", "/example/page/disallowed.gif", false},
    {RFC_LONGEST, "foobot", "/example/page/other.gif", true},
    {"", "a", "/", true},
    {"User-agent: *\nDisallow:\n", "a", "/x", true},
    {"User-agent: *\nDisallow: /\n", "a", "/robots.txt", true},
    {"User-agent: *\nDisallow: /\n", "a", "/robots.txt.bak", false},
    {"Disallow: /\n", "a", "/x", true}, /* belongs to nobody */
    {"User-agent: *\nDisallow: /x\nAllow: /x\n", "a", "/x", true},
    {"User-agent: *\nAllow: /x\nDisallow: /x\n", "a", "/x", true},
};

START_TEST(the_longest_rule_of_the_agents_groups_decides)
{
    ASK(rfc);
}
END_TEST

/* https://developers.google.com/search/docs/crawling-indexing/robots/robots_txt */
struct example {
    const char *rule;
    const char *matches[8], *differs[8];
};
static const struct example google_paths[] = {
    {"/", {"/", "/any", "/a/b?c"}, {NULL}},
    {"/$", {"/"}, {"/any", "/?"}},
    {"/fish",
     {"/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fishheads/yummy.html", "/fish.php?id=anything"},
     {"/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"}},
    {"/fish*",
     {"/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fishheads/yummy.html", "/fish.php?id=anything"},
     {"/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"}},
    {"/fish/",
     {"/fish/", "/fish/?id=anything", "/fish/salmon.htm"},
     {"/fish", "/fish.html", "/animals/fish/", "/Fish/Salmon.asp"}},
    {"/*.php",
     {"/index.php", "/filename.php", "/folder/filename.php", "/folder/filename.php?parameters",
      "/folder/any.php.file.html", "/filename.php/"},
     {"/", "/windows.PHP"}},
    {"/*.php$",
     {"/filename.php", "/folder/filename.php"},
     {"/filename.php?parameters", "/filename.php/", "/filename.php5", "/windows.PHP"}},
    {"/fish*.php", {"/fish.php", "/fishheads/catfish.php?parameters"}, {"/Fish.PHP"}},
    {"/*", {"/", "/x"}, {NULL}},
    {"*/x", {"/x", "/a/x/", "/y/xx"}, {"/ax", "/y"}},
    {"/a**b", {"/ab", "/a-b-"}, {"/a"}},
    {"/a*b*c$", {"/abc", "/axbxc", "/abcbc"}, {"/ab", "/abcx", "/acb"}},
    {"/a$b", {"/a$b", "/a%24bc"}, {"/a", "/ab"}},
    {"*$", {"/", "/x?y"}, {NULL}},
};

START_TEST(wildcards_and_the_end_anchor_match_as_googles_examples_say)
{
    for (size_t i = 0; i < sizeof google_paths / sizeof *google_paths; i++) {
        const struct example *e = &google_paths[i];
        char body[200];
        (void)snprintf(body, sizeof body, "User-agent: *\nDisallow: %s\n", e->rule);
        ROBOTS_AUTO robots *r = parse(body);
        for (size_t j = 0; j < 8 && e->matches[j]; j++) {
            ck_assert_msg(!robots_allows(r, "a", str_of(e->matches[j])), "%s matches %s", e->rule, e->matches[j]);
        }
        for (size_t j = 0; j < 8 && e->differs[j]; j++) {
            ck_assert_msg(robots_allows(r, "a", str_of(e->differs[j])), "%s does not match %s", e->rule, e->differs[j]);
        }
    }
}
END_TEST

static const struct verdict google_order[] = {
    {"user-agent: *\nallow: /p\ndisallow: /", "a", "/page", true},
    {"user-agent: *\nallow: /folder\ndisallow: /folder", "a", "/folder/page", true},
    {"user-agent: *\nallow: /page\ndisallow: /*.htm", "a", "/page.htm", false},
    {"user-agent: *\nallow: /page\ndisallow: /*.ph", "a", "/page.php5", true},
    {"user-agent: *\nallow: /$\ndisallow: /", "a", "/", true},
    {"user-agent: *\nallow: /$\ndisallow: /", "a", "/page.htm", false},
    {"user-agent: FooBot\ndisallow: /x/page.html\nallow: /x/", "FooBot", "/x/page.html", false},
    {"user-agent: FooBot\nallow: /x/page.html\ndisallow: /x/", "FooBot", "/x/page.html", true},
    {"user-agent: FooBot\nallow: /x/page.html\ndisallow: /x/", "FooBot", "/x/", false},
    {"user-agent: FooBot\ndisallow: \nallow: ", "FooBot", "/x/page.html", true},
    {"user-agent: FooBot\ndisallow: /\nallow: /", "FooBot", "/x/page.html", true},
    {"user-agent: FooBot\ndisallow: /x\nallow: /x/", "FooBot", "/x", false},
    {"user-agent: FooBot\ndisallow: /x\nallow: /x/", "FooBot", "/x/", true},
    {"user-agent: FooBot\ndisallow: /x/page.html\nallow: /x/page.html", "FooBot", "/x/page.html", true},
    {"user-agent: FooBot\nallow: /page\ndisallow: /*.html", "FooBot", "/page.html", false},
    {"user-agent: FooBot\nallow: /page\ndisallow: /*.html", "FooBot", "/page", true},
    {"user-agent: FooBot\nallow: /x/page.\ndisallow: /*.html", "FooBot", "/x/page.html", true},
    {"user-agent: *\ndisallow: /x/page.html\n\nuser-agent: FooBot\nallow: /x/page.html\n", "FooBot", "/x/page.html",
     true},
    /* which group */
    {"user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /\n", "FooBot", "/x", false},
    {"user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /\n", "BarBot", "/x", true},
    {"user-agent: FooBot\nuser-agent: *\ndisallow: /\n", "BarBot", "/x", false},
    {"user-agent: FooBot\ndisallow: /\n", "BarBot", "/x", true},
    {"user-agent: BarBot\nSitemap: https://foo.bar/sitemap\nuser-agent: *\ndisallow: /\n", "BarBot", "/x", false},
    {"user-agent: FooBot\nInvalid-Unknown-Line: unknown\nuser-agent: *\ndisallow: /\n", "FooBot", "/x", false},
    {"user-agent: FooBot\ndisallow: /\nallow: /x/\nuser-agent: BarBot\ndisallow: /\nallow: /y/\n\nallow: /w/\n"
     "user-agent: BazBot\n\nuser-agent: FooBot\nallow: /z/\ndisallow: /\n",
     "FooBot", "/z/d", true},
    {"user-agent: *\ndisallow: /\nuser-agent: Foo Bar\nallow: /x/\ndisallow: /\n", "Foo", "/x/y", true},
    {"user-agent: *\ndisallow: /\nuser-agent: Foo Bar\nallow: /x/\ndisallow: /\n", "Foo Bar", "/x/y", false},
    {"user-agent: Foo/1.0\nallow: /\nuser-agent: *\ndisallow: /\n", "Foo/2.1", "/x", true},
    {"user-agent: *foo\nallow: /\nuser-agent: *\ndisallow: /\n", "foo", "/x", false},
    {"user-agent: * baz\ndisallow: /\n", "foo", "/x", false},
    {"user-agent: *\nallow: /\nuser-agent: !!\ndisallow: /\n", "foo", "/x", true},
    {"user-agent: googlebot-news\ndisallow: /n\nuser-agent: *\ndisallow: /s\nuser-agent: googlebot\ndisallow: /g\n",
     "Googlebot-News", "/g", true},
    {"user-agent: googlebot-news\ndisallow: /n\nuser-agent: *\ndisallow: /s\nuser-agent: googlebot\ndisallow: /g\n",
     "Googlebot-Images", "/g", false},
    {"user-agent: googlebot-news\ndisallow: /n\nuser-agent: *\ndisallow: /s\nuser-agent: googlebot\ndisallow: /g\n",
     "Otherbot-News", "/s", false},
    {"user-agent: goog\ndisallow: /\n", "googlebot", "/", true},
    {"user-agent: googlebot-news\ndisallow: /\n", "googlebot", "/", true},
};

START_TEST(order_and_groups_are_as_googles_examples_say)
{
    ASK(google_order);
}
END_TEST

static const struct verdict encodings[] = {
    {"User-agent: *\nDisallow: /foo/bar/\u30c4", "a", "/foo/bar/%E3%83%84", false},
    {"User-agent: *\nDisallow: /foo/bar/%E3%83%84", "a", "/foo/bar/%e3%83%84", false},
    {"User-agent: *\nDisallow: /foo/bar/%e3%83%84", "a", "/foo/bar/\u30c4", false},
    {"User-agent: *\nDisallow: /foo/bar/%62%61%7A", "a", "/foo/bar/baz", false},
    {"User-agent: *\nDisallow: /foo/bar/baz", "a", "/foo/bar/%62%61%7A", false},
    {"User-agent: *\nDisallow: /foo/bar?baz=http://foo.bar", "a", "/foo/bar?baz=http://foo.bar", false},
    {"User-agent: *\nDisallow: /a%2Fb", "a", "/a/b", true},
    {"User-agent: *\nDisallow: /a/b", "a", "/a%2Fb", true},
    {"User-agent: *\nDisallow: /a%2fb", "a", "/a%2Fb", false},
    {"User-agent: *\nDisallow: /a b", "a", "/a", true}, /* a space ends no value */
    {"User-agent: *\nDisallow: /a b", "a", "/a%20b", false},
    {"User-agent: *\nDisallow: /a|b", "a", "/a%7Cb", false},
    {"User-agent: *\nDisallow: /file-with-a-%2A.html", "a", "/file-with-a-*.html", false},
    {"User-agent: *\nDisallow: /file-with-a-%2A.html", "a", "/file-with-a-x.html", true},
    {"User-agent: *\nDisallow: /foo-%24", "a", "/foo-$", false},
    {"User-agent: *\nDisallow: /%", "a", "/%zz", false},
    {"User-agent: *\nDisallow: /%3A", "a", "/:", true},
};

START_TEST(escapes_are_compared_after_normalising)
{
    ASK(encodings);
}
END_TEST

static const struct verdict spellings[] = {
    {"\xef\xbb\xbfUser-agent: *\nDisallow: /", "a", "/x", false},
    {"User-agent: *\rDisallow: /", "a", "/x", false},
    {"User-agent: *\r\nDisallow: /x\r\n\r\nDisallow: /y\r\n", "a", "/y", false},
    {"  User-agent :\t*  # all\n\tDisallow\t: /x#y\n", "a", "/xy", false},
    {"USER-AGENT: *\nDISALLOW: /", "a", "/x", false},
    {"User-agent *\nDisallow /", "a", "/x", false},
    {"User-agent: *\nDisallow /x:y", "a", "/x:y", false},
    {"User-agent: *\nDisallow /x y", "a", "/x", true}, /* three words are no rule */
    {"useragent: *\nDisallow: /", "a", "/x", false},
    {"User agent: *\nDisallow: /", "a", "/x", false},
    {"User-agent: *\nDissallow: /", "a", "/x", false},
    {"User-agent: *\nDissalow: /", "a", "/x", false},
    {"User-agent: *\nDisalow: /", "a", "/x", false},
    {"User-agent: *\nDiasllow: /", "a", "/x", false},
    {"User-agent: *\nDisallaw: /", "a", "/x", false},
    {"User-agent: *\nDisallowed: /", "a", "/x", false},
    {"User-agent: *\nDont: /", "a", "/x", true},
    {"User-agent: *\nDisallow: x", "a", "/x", true}, /* paths start with a slash */
    {"User-agent: *\n\n\nDisallow: /", "a", "/x", false},
};

START_TEST(slips_that_googles_parser_forgives_are_forgiven)
{
    ASK(spellings);
}
END_TEST

START_TEST(the_deciding_rule_is_told_with_its_line)
{
    ROBOTS_AUTO robots *r = parse("# top\r\nUser-agent: *\r\n\r\nDisalow: /a%7eb*c # why\r\nAllow /a%7Ebxc\r\n");
    struct robots_verdict v = robots_check(r, "w", STR("/a~bxc"));
    ck_assert(v.allowed);
    ck_assert_str_eq(v.rule, "Allow: /a%7Ebxc");
    ck_assert_uint_eq(v.line, 5);
    v = robots_check(r, "w", STR("/a~byc"));
    ck_assert(!v.allowed);
    ck_assert_str_eq(v.rule, "Disallow: /a%7eb*c");
    ck_assert_uint_eq(v.line, 4);
    v = robots_check(r, "w", STR("/"));
    ck_assert(v.allowed && !v.rule && v.line == 0);
}
END_TEST

START_TEST(sitemaps_belong_to_no_group_and_stay_as_written)
{
    ROBOTS_AUTO robots *r = parse("Sitemap: https://example.com/a.xml\nUser-agent: x\nsite-map:/b.xml\nDisallow: /\n"
                                  "SITEMAP https://example.com/c.xml # third\nSitemap:\nsitemaps: //d/é\n");
    ck_assert_uint_eq(robots_sitemaps(r), 4);
    static const char *const expected[] = {"https://example.com/a.xml", "/b.xml", "https://example.com/c.xml", "//d/é"};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(str_eq(robots_sitemap(r, i), str_of(expected[i])));
    }
    ck_assert(!robots_allows(r, "x", STR("/")));
}
END_TEST

START_TEST(crawl_delay_is_the_agents_own_and_the_largest)
{
    ROBOTS_AUTO robots *r = parse(
        "User-agent: bing\nCrawl-delay: 10\nUser-agent: *\nDisallow: /x\nCrawl-delay: 0.5\n\n"
        "User-agent: slow\nCrawl-delay: 2.25\nUser-agent: slow\nCrawldelay: 1\nDisallow: /\nUser-agent: slow\n"
        "Crawl-delay: 3\nUser-agent: odd\nCrawl-delay: ten\nUser-agent: huge\nDisallow: /\ncrawl delay: 99999999\n");
    ck_assert_int_eq(robots_crawl_delay_ms(r, "Bing/2.0"), 10000);
    ck_assert_int_eq(robots_crawl_delay_ms(r, "any"), 500);
    ck_assert_int_eq(robots_crawl_delay_ms(r, "slow"), 3000);
    ck_assert_int_eq(robots_crawl_delay_ms(r, "huge"), ROBOTS_DELAY_MAX_MS);
    ck_assert(!robots_allows(r, "bing", STR("/x"))); /* no rule stood between the two User-agent lines */
    ck_assert_uint_eq(robots_facts(r)->problems, 1);
    ck_assert_uint_eq(robots_facts(r)->first_problem, 15);
    ROBOTS_AUTO robots *none = parse("User-agent: *\nDisallow: /\n");
    ck_assert_int_eq(robots_crawl_delay_ms(none, "a"), -1);
}
END_TEST

START_TEST(facts_count_what_the_file_holds)
{
    ROBOTS_AUTO robots *r =
        parse("Disallow: /early\nUser-agent: a\nHost: x\nDisallow: nowhere\nAllow: /\nwhat is this\n"
              "User-agent: b\nUser-agent: c\nDisallow: /\nSitemap:\n");
    const struct robots_facts *f = robots_facts(r);
    ck_assert_uint_eq(f->groups, 2);
    ck_assert_uint_eq(f->rules, 2);
    ck_assert_uint_eq(f->problems, 4);
    ck_assert_uint_eq(f->first_problem, 1);
    ck_assert(!f->truncated && !f->is_html);
    ROBOTS_AUTO robots *page = parse("\n <!DOCTYPE html><title>Not found</title>\n");
    ck_assert(robots_facts(page)->is_html);
    ck_assert(robots_allows(page, "a", STR("/")));
}
END_TEST

/* A body of n copies of line behind head. */
static robots *repeated(const char *head, const char *line, size_t n, buf *b)
{
    robots *r = NULL;
    buf_init(b, 64 << 20);
    OK(buf_puts(b, head));
    for (size_t i = 0; i < n; i++) {
        OK(buf_puts(b, line));
    }
    OK(robots_parse(b->p, b->len, &r));
    return r;
}

START_TEST(a_huge_file_is_read_up_to_its_limit_without_a_cut_rule)
{
    BUF_AUTO buf b, c;
    ROBOTS_AUTO robots *r = repeated("User-agent: *\nDisallow: /first\n", "Disallow: /filler/filler\n", 40000, &b);
    ck_assert(robots_facts(r)->truncated);
    ck_assert_uint_eq(robots_facts(r)->rules, 1 + (ROBOTS_MAX - 31) / 25);
    ck_assert(!robots_allows(r, "a", STR("/first")));
    ck_assert(robots_allows(r, "a", STR("/fill"))); /* the last, cut line would forbid it */
    ROBOTS_AUTO robots *line = repeated("User-agent: *\nDisallow: /", "x", 2 << 20, &c);
    ck_assert(robots_facts(line)->truncated);
    ck_assert(robots_allows(line, "a", STR("/xxxxxxx")));
}
END_TEST

START_TEST(a_pattern_too_long_to_keep_still_forbids)
{
    BUF_AUTO buf b, c;
    char target[ROBOTS_VALUE_MAX + 1];
    memset(target, 'x', sizeof target);
    target[0] = '/';
    ROBOTS_AUTO robots *r = repeated("User-agent: *\nDisallow: /", "x", ROBOTS_VALUE_MAX + 100, &b);
    ck_assert(!robots_allows(r, "a", str_n(target, sizeof target)));
    ck_assert_uint_eq(robots_facts(r)->problems, 1);
    ROBOTS_AUTO robots *allow = repeated("User-agent: *\nDisallow: /\nAllow: /", "x", ROBOTS_VALUE_MAX + 100, &c);
    ck_assert(!robots_allows(allow, "a", str_n(target, sizeof target)));
}
END_TEST

START_TEST(wildcards_and_agents_without_number_cost_linear_time)
{
    BUF_AUTO buf b, c, d;
    char target[2048];
    memset(target, 'a', sizeof target);
    target[0] = '/';
    ROBOTS_AUTO robots *stars = repeated("User-agent: *\nDisallow: /", "*a", 4000, &b);
    ck_assert(robots_allows(stars, "a", str_n(target, sizeof target)));
    ROBOTS_AUTO robots *rules = repeated("User-agent: *\n", "Disallow: *a*a*a*b\n", 27000, &c);
    ck_assert(robots_allows(rules, "a", str_n(target, sizeof target)));
    ROBOTS_AUTO robots *agents = repeated("", "User-agent: a\nCrawl-delay:1\n", 18000, &d);
    for (int i = 0; i < 10000; i++) {
        ck_assert(robots_allows(agents, "a", STR("/")));
    }
    ck_assert_uint_eq(robots_facts(agents)->groups, 1);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    static const char body[] = "User-agent: a\nDisallow: /%41\"\nSitemap: x\n";
    robots *r = NULL;
    unsigned n = 1;
    for (;; n++) {
        mem_fail_at(n, true);
        int rc = robots_parse(body, sizeof body - 1, &r);
        mem_fail_at(0, false);
        if (rc == 0) {
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_ptr_null(r);
    }
    ck_assert_uint_gt(n, 5);
    mem_fail_at(1, true);
    ck_assert(robots_allows(r, "a", STR("/b")));
    ck_assert(!robots_allows(r, "a", STR("/%62"))); /* cannot be told: no */
    mem_fail_at(0, false);
    robots_free(r);
}
END_TEST

START_TEST(what_a_fetch_came_to_decides_without_a_body)
{
    static const struct {
        int status;
        unsigned redirects;
        enum robots_policy policy;
    } cases[] = {
        {200, 0, ROBOTS_PARSE},        {200, 5, ROBOTS_PARSE},        {204, 0, ROBOTS_PARSE},
        {200, 6, ROBOTS_ALLOW_ALL},    {302, 5, ROBOTS_ALLOW_ALL},    {400, 0, ROBOTS_ALLOW_ALL},
        {401, 0, ROBOTS_ALLOW_ALL},    {403, 0, ROBOTS_ALLOW_ALL},    {404, 0, ROBOTS_ALLOW_ALL},
        {410, 0, ROBOTS_ALLOW_ALL},    {451, 0, ROBOTS_ALLOW_ALL},    {429, 0, ROBOTS_DISALLOW_ALL},
        {500, 0, ROBOTS_DISALLOW_ALL}, {503, 2, ROBOTS_DISALLOW_ALL}, {599, 0, ROBOTS_DISALLOW_ALL},
        {0, 0, ROBOTS_DISALLOW_ALL},   {100, 0, ROBOTS_DISALLOW_ALL}, {999, 0, ROBOTS_DISALLOW_ALL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(robots_policy(cases[i].status, cases[i].redirects) == cases[i].policy, "%d after %u",
                      cases[i].status, cases[i].redirects);
    }
    ck_assert_int_eq(robots_lifetime_s(ROBOTS_PARSE, -1), 86400);
    ck_assert_int_eq(robots_lifetime_s(ROBOTS_PARSE, 1000000), 86400);
    ck_assert_int_eq(robots_lifetime_s(ROBOTS_ALLOW_ALL, 3600), 3600);
    ck_assert_int_eq(robots_lifetime_s(ROBOTS_PARSE, 0), 300);
    ck_assert_int_eq(robots_lifetime_s(ROBOTS_DISALLOW_ALL, 86400), 1800);
}
END_TEST

RUN("robots", 20, CASE(the_longest_rule_of_the_agents_groups_decides),
    CASE(wildcards_and_the_end_anchor_match_as_googles_examples_say),
    CASE(order_and_groups_are_as_googles_examples_say), CASE(escapes_are_compared_after_normalising),
    CASE(slips_that_googles_parser_forgives_are_forgiven), CASE(the_deciding_rule_is_told_with_its_line),
    CASE(sitemaps_belong_to_no_group_and_stay_as_written), CASE(crawl_delay_is_the_agents_own_and_the_largest),
    CASE(facts_count_what_the_file_holds), CASE(a_huge_file_is_read_up_to_its_limit_without_a_cut_rule),
    CASE(a_pattern_too_long_to_keep_still_forbids), CASE(wildcards_and_agents_without_number_cost_linear_time),
    CASE(every_allocation_may_fail), CASE(what_a_fetch_came_to_decides_without_a_body));
