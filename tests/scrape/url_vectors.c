/* What the standard's text says of each input, https://url.spec.whatwg.org. */
#include "test.h"
#include "waymark/scrape/url.h"

#define B "http://example.org/foo/bar"

struct vector {
    const char *in, *base; /* base NULL: none */
    const char *href;      /* NULL: fails with error */
    int error;
};

static const struct vector plain[] = {
    {"http://example.com", NULL, "http://example.com/"},
    {"HTTPS://EXAMPLE.com/", NULL, "https://example.com/"},
    {"http://example.com:80/", NULL, "http://example.com/"},
    {"http://example.com:443/", NULL, "http://example.com:443/"},
    {"https://example.com:443/", NULL, "https://example.com/"},
    {"http://example.com:/", NULL, "http://example.com/"},
    {"http://example.com:0/", NULL, "http://example.com:0/"},
    {"http://example.com:00080/x", NULL, "http://example.com/x"},
    {"http://example.com:65535/", NULL, "http://example.com:65535/"},
    {"http://example.com:65536/", NULL, NULL, URL_PORT_RANGE},
    {"http://example.com:999999999999999999999/", NULL, NULL, URL_PORT_RANGE},
    {"http://example.com:8o/", NULL, NULL, URL_PORT_SYNTAX},
    {"http://example.com:-80/", NULL, NULL, URL_PORT_SYNTAX},
    {"http://example.com:80:80/", NULL, NULL, URL_PORT_SYNTAX},
    {"", NULL, NULL, URL_EMPTY},
    {" \t\n", NULL, NULL, URL_EMPTY},
    {"foo", NULL, NULL, URL_NO_BASE},
    {"//host/", NULL, NULL, URL_NO_BASE},
    {"/path", NULL, NULL, URL_NO_BASE},
    {":foo", NULL, NULL, URL_NO_BASE},
    {"mailto:a@example.com", NULL, NULL, URL_OTHER_SCHEME},
    {"javascript:alert(1)", B, NULL, URL_OTHER_SCHEME},
    {"data:text/html,x", B, NULL, URL_OTHER_SCHEME},
    {"ftp://example.com/", NULL, NULL, URL_OTHER_SCHEME},
    {"file:///etc/passwd", NULL, NULL, URL_OTHER_SCHEME},
    {"httpa://foo", NULL, NULL, URL_OTHER_SCHEME},
    {"h.t+t-p:x", B, NULL, URL_OTHER_SCHEME},
    {"http:", NULL, NULL, URL_HOST_MISSING},
    {"http://", NULL, NULL, URL_HOST_MISSING},
    {"http:///", NULL, NULL, URL_HOST_MISSING},
    {"http://?x", NULL, NULL, URL_HOST_MISSING},
    {"http://:80/", NULL, NULL, URL_HOST_MISSING},
    {"http://user@/", NULL, NULL, URL_HOST_MISSING},
    {"http://@/www.example.com", NULL, NULL, URL_HOST_MISSING},
    {"http:@/www.example.com", NULL, NULL, URL_HOST_MISSING},
    {"http://user:pass@:80/", NULL, NULL, URL_HOST_MISSING},
};

static const struct vector slashes_and_space[] = {
    {"  http://example.com/ \r\n", NULL, "http://example.com/"},
    {"\x01\x1fhttp://example.com/\x02", NULL, "http://example.com/"},
    {"ht\ntp://exa\tmple.com/a\r\nb", NULL, "http://example.com/ab"},
    {"http:\n//\n@h", NULL, "http://h/"},
    {"http:example.com/", NULL, "http://example.com/"},
    {"http:/example.com/", NULL, "http://example.com/"},
    {"http:////example.com///x", NULL, "http://example.com///x"},
    {"http:\\\\example.com\\a\\b", NULL, "http://example.com/a/b"},
    {"https:/\\/\\example.com", NULL, "https://example.com/"},
    {"http://example.com\\@evil.test/", NULL, "http://example.com/@evil.test/"},
    {"http://example.com?x", NULL, "http://example.com/?x"},
    {"http://example.com#x", NULL, "http://example.com/#x"},
    {"http://example.com/?", NULL, "http://example.com/?"},
    {"http://example.com/#", NULL, "http://example.com/#"},
    {"http://example.com/?#", NULL, "http://example.com/?#"},
    {"http://example.com/??a?#?#", NULL, "http://example.com/??a?#?#"},
    {"http://example.com/a?b\\c#d\\e", NULL, "http://example.com/a?b\\c#d\\e"},
};

static const struct vector userinfo[] = {
    {"http://user:pass@foo:21/bar;par?b#c", NULL, "http://user:pass@foo:21/bar;par?b#c"},
    {"http://user@foo/", NULL, "http://user@foo/"},
    {"http://user:@foo/", NULL, "http://user@foo/"},
    {"http://:pass@foo/", NULL, "http://:pass@foo/"},
    {"http://@foo/", NULL, "http://foo/"},
    {"http://:@foo/", NULL, "http://foo/"},
    {"http://a@b@c/", NULL, "http://a%40b@c/"},
    {"http://a:b@c:29/d", NULL, "http://a:b@c:29/d"},
    {"http::@c:29", NULL, "http://c:29/"},
    {"http://a:b:c@d/", NULL, "http://a:b%3Ac@d/"},
    {"http://foo:;=[]^|@c/", NULL, "http://foo:%3B%3D%5B%5D%5E%7C@c/"},
    {"http://\u00fc@c/", NULL, "http://%C3%BC@c/"},
    {"http://a%20b'@c/", NULL, "http://a%20b'@c/"},
    {"http://user@ev:il@c/", NULL, "http://user%40ev:il@c/"},
};

static const struct vector paths[] = {
    {"http://h/.", NULL, "http://h/"},
    {"http://h/..", NULL, "http://h/"},
    {"http://h/a/.", NULL, "http://h/a/"},
    {"http://h/a/..", NULL, "http://h/"},
    {"http://h/a/../", NULL, "http://h/"},
    {"http://h/a/./b/../c", NULL, "http://h/a/c"},
    {"http://h/../../a", NULL, "http://h/a"},
    {"http://h/a/b/../../../c", NULL, "http://h/c"},
    {"http://h/a//../b", NULL, "http://h/a/b"},
    {"http://h//..//x", NULL, "http://h//x"},
    {"http://h/%2e/a", NULL, "http://h/a"},
    {"http://h/a/%2E%2e/b", NULL, "http://h/b"},
    {"http://h/a/.%2e", NULL, "http://h/"},
    {"http://h/a/%2e.", NULL, "http://h/"},
    {"http://h/a/%2e%2", NULL, "http://h/a/%2e%2"},
    {"http://h/...", NULL, "http://h/..."},
    {"http://h/%2e%2e%2e", NULL, "http://h/%2e%2e%2e"},
    {"http://h/a/..b/.c", NULL, "http://h/a/..b/.c"},
    {"http://h/a/..\\b", NULL, "http://h/b"},
    {"http://h/a?/../b#/../c", NULL, "http://h/a?/../b#/../c"},
    {"http://h/ \"<>`{}^|'[]", NULL, "http://h/%20%22%3C%3E%60%7B%7D%5E|'[]"},
    {"http://h/?a \"<>`{}^|'[]", NULL, "http://h/?a%20%22%3C%3E`{}^|%27[]"},
    {"http://h/#a \"<>`{}^|'[]", NULL, "http://h/#a%20%22%3C%3E%60{}^|'[]"},
    {"http://h/\u4f60\u597d?\u4f60#\u597d", NULL, "http://h/%E4%BD%A0%E5%A5%BD?%E4%BD%A0#%E5%A5%BD"},
    {"http://h/caf\xe9", NULL, "http://h/caf%E9"},
    {"http://h/\x7f\x01x", NULL, "http://h/%7F%01x"},
    {"http://h/%", NULL, "http://h/%"},
    {"http://h/%zz%4", NULL, "http://h/%zz%4"},
    {"http://h/%7a%7A", NULL, "http://h/%7a%7A"},
    {"http://h/a;b=c,d", NULL, "http://h/a;b=c,d"},
    {"http://h/C|/x", NULL, "http://h/C|/x"},
    {"http://h/foo%00%51", NULL, "http://h/foo%00%51"},
    {"http://h/(%28:%3A%29)", NULL, "http://h/(%28:%3A%29)"},
};

static const struct vector relative[] = {
    {"", B, B},
    {"", B "?q#f", B "?q"},
    {"#", B "?q", B "?q#"},
    {"#g", B "?q#f", B "?q#g"},
    {"?", B "?q", B "?"},
    {"?x", B "?q", B "?x"},
    {"baz", B "?q", "http://example.org/foo/baz"},
    {".", B, "http://example.org/foo/"},
    {"..", B, "http://example.org/"},
    {"../..", B, "http://example.org/"},
    {"../../../x", B, "http://example.org/x"},
    {"./y", B, "http://example.org/foo/y"},
    {"/", B, "http://example.org/"},
    {"/z?q", B, "http://example.org/z?q"},
    {"\\z", B, "http://example.org/z"},
    {"//other", B, "http://other/"},
    {"//other/p", "https://example.org/", "https://other/p"},
    {"\\\\other\\p", B, "http://other/p"},
    {"/\\other", B, "http://other/"},
    {"///other", B, "http://other/"},
    {"//", B, NULL, URL_HOST_MISSING},
    {"///", B, NULL, URL_HOST_MISSING},
    {"http:baz", B, "http://example.org/foo/baz"},
    {"http:/baz", B, "http://example.org/baz"},
    {"http:?q", B, B "?q"},
    {"http:#f", B, B "#f"},
    {"http:", B, B},
    {"https:baz", B, "https://baz/"},
    {"https:/baz", B, "https://baz/"},
    {"http://baz", "https://example.org/", "http://baz/"},
    {":foo", B, "http://example.org/foo/:foo"},
    {"1a:b", B, "http://example.org/foo/1a:b"},
    {"a b", B, "http://example.org/foo/a%20b"},
    {"x", "http://u:p@h:81/a/b?c#d", "http://u:p@h:81/a/x"},
    {"/x", "http://u:p@h:81/a/b", "http://u:p@h:81/x"},
    {"//k", "http://u:p@h:81/a/b", "http://k/"},
    {"x", "http://h", "http://h/x"},
    {"\u00fc", B, "http://example.org/foo/%C3%BC"},
    {"%2e%2E/x", B, "http://example.org/x"},
    {"b/", "http://h/a//", "http://h/a//b/"},
};

static const struct vector ipv4[] = {
    {"http://192.168.0.1/", NULL, "http://192.168.0.1/"},
    {"http://192.168.0.1./", NULL, "http://192.168.0.1/"},
    {"http://127.1/", NULL, "http://127.0.0.1/"},
    {"http://127.0.1/", NULL, "http://127.0.0.1/"},
    {"http://2130706433/", NULL, "http://127.0.0.1/"},
    {"http://0x7f000001/", NULL, "http://127.0.0.1/"},
    {"http://0X7F.1/", NULL, "http://127.0.0.1/"},
    {"http://0177.0.0.1/", NULL, "http://127.0.0.1/"},
    {"http://017700000001/", NULL, "http://127.0.0.1/"},
    {"http://0/", NULL, "http://0.0.0.0/"},
    {"http://0x/", NULL, "http://0.0.0.0/"},
    {"http://1.0x/", NULL, "http://1.0.0.0/"},
    {"http://0x.0x.0", NULL, "http://0.0.0.0/"},
    {"http://4294967295/", NULL, "http://255.255.255.255/"},
    {"http://4294967296/", NULL, NULL, URL_HOST_IPV4},
    {"http://0xffffffff1/", NULL, NULL, URL_HOST_IPV4},
    {"http://99999999999999999999999999999999999999/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.65535.1/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.2.65535/", NULL, "http://1.2.255.255/"},
    {"http://1.2.65536/", NULL, NULL, URL_HOST_IPV4},
    {"http://256.0.0.1/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.2.3.256/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.2.3.4.5/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.2.3.08/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.2.3.09./", NULL, NULL, URL_HOST_IPV4},
    {"http://foo.0x4/", NULL, NULL, URL_HOST_IPV4},
    {"http://foo.09/", NULL, NULL, URL_HOST_IPV4},
    {"http://1..2/", NULL, NULL, URL_HOST_IPV4},
    {"http://foo.2.3/", NULL, NULL, URL_HOST_IPV4},
    {"http://1.2.3.4x/", NULL, "http://1.2.3.4x/"},
    {"http://0xg/", NULL, "http://0xg/"},
    {"http://256.256.256.256.example.com/", NULL, "http://256.256.256.256.example.com/"},
    {"http://%30%78%63%30%2e%30250.01", NULL, "http://192.168.0.1/"},
    {"http://\uff10\uff38\uff43\uff10\uff0e\uff10\uff12\uff15\uff10\uff0e\uff10\uff11", NULL, "http://192.168.0.1/"},
    {"http://1e2/", NULL, "http://1e2/"},
    {"http://./", NULL, "http://./"},
    {"http://../", NULL, "http://../"},
};

static const struct vector ipv6[] = {
    {"http://[::1]/", NULL, "http://[::1]/"},
    {"http://[::]:8080/", NULL, "http://[::]:8080/"},
    {"http://[1:0::]", NULL, "http://[1::]/"},
    {"http://[2001:DB8:0:0:0:0:0:1]/", NULL, "http://[2001:db8::1]/"},
    {"http://[0:0:1:0:0:0:1:0]/", NULL, "http://[0:0:1::1:0]/"},
    {"http://[1:0:0:2:0:0:3:4]/", NULL, "http://[1::2:0:0:3:4]/"},
    {"http://[1:0:2:3:4:5:6:7]/", NULL, "http://[1:0:2:3:4:5:6:7]/"},
    {"http://[1::2:3:4:5:6:7]/", NULL, "http://[1:0:2:3:4:5:6:7]/"},
    {"http://[1:2:3:4:5:6:7::]/", NULL, "http://[1:2:3:4:5:6:7:0]/"},
    {"http://[::1:2:3:4:5:6:7]/", NULL, "http://[0:1:2:3:4:5:6:7]/"},
    {"http://[::127.0.0.1]", NULL, "http://[::7f00:1]/"},
    {"http://[::ffff:127.0.0.1]/", NULL, "http://[::ffff:7f00:1]/"},
    {"http://[64:ff9b::10.0.0.1]/", NULL, "http://[64:ff9b::a00:1]/"},
    {"http://[1:2:3:4:5:6:1.2.3.4]/", NULL, "http://[1:2:3:4:5:6:102:304]/"},
    {"http://[0:0:0:0:0:0:13.1.68.3]", NULL, "http://[::d01:4403]/"},
    {"http://u@[::1]:80/", NULL, "http://u@[::1]/"},
    {"http://[]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[:]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[:::]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[1::2::3]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[1:2:3]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[1:2:3:4:5:6:7:8:9]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[1:2:3:4:5:6:7:8::]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::12345]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::g]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[1:]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[:1]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::1/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::1]x/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::1.2.3]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::1.2.3.256]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::1.2.3.04]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::1.2.3.4:5]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::127.0.0.0.1]", NULL, NULL, URL_HOST_IPV6},
    {"http://[1.2.3.4::]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[::.1.2.3]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[0:1.23.23]", NULL, NULL, URL_HOST_IPV6},
    {"http://[1:2:3:4:5:6:7:1.2.3.4]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[fe80::1%25eth0]/", NULL, NULL, URL_HOST_ZONE},
    {"http://[fe80::1%eth0]/", NULL, NULL, URL_HOST_ZONE},
    {"http://[www.google.com]/", NULL, NULL, URL_HOST_IPV6},
    {"http://[google.com]", NULL, NULL, URL_HOST_IPV6},
};

static const struct vector names[] = {
    {"http://ExAmPlE.COM./", NULL, "http://example.com./"},
    {"http://a_b.example/", NULL, "http://a_b.example/"},
    {"http://a..b/", NULL, "http://a..b/"},
    {"http://-a-.example/", NULL, "http://-a-.example/"},
    {"http://a--b.example/", NULL, "http://a--b.example/"},
    {"http://!\"$&'()*+,-.;=_`{}~/", NULL, "http://!\"$&'()*+,-.;=_`{}~/"},
    {"http://ex%41mple.com/", NULL, "http://example.com/"},
    {"http://ex%2Eample.com/", NULL, "http://ex.ample.com/"},
    {"http://hello%00/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a%20b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a%zz/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a%/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a<b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a^b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a|b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a]b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a[b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a%3Ab/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a%40b/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a\x7f/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://a%1fb/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://m\u00fcnchen.de/", NULL, "http://xn--mnchen-3ya.de/"},
    {"http://M%C3%9CNCHEN.de/", NULL, "http://xn--mnchen-3ya.de/"},
    {"http://xn--mnchen-3ya.de/", NULL, "http://xn--mnchen-3ya.de/"},
    {"http://XN--MNCHEN-3YA.de/", NULL, "http://xn--mnchen-3ya.de/"},
    {"http://fa\u00df.de/", NULL, "http://xn--fa-hia.de/"}, /* non-transitional: not fass.de */
    {"http://\u65e5\u672c\u8a9e.jp/", NULL, "http://xn--wgv71a119e.jp/"},
    {"http://\u65e5\u672c\u8a9e\u3002jp/", NULL, "http://xn--wgv71a119e.jp/"},
    {"http://\uff27\uff4f.com/", NULL, "http://go.com/"},
    {"http://\u00adexample\u00ad.com/", NULL, "http://example.com/"},
    {"http://a_\u00fc.example/", NULL, "http://xn--a_-yka.example/"},
    {"http://\uff05\uff14\uff11.com/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://\uff05\uff10\uff10.com/", NULL, NULL, URL_HOST_CHARACTER},
    {"http://\u00ad/", NULL, NULL, URL_HOST_MISSING},
    {"http://xn--n3h.net/", NULL, "http://xn--n3h.net/"}, /* a symbol: valid by UTS 46 alone */
    {"http://\u2603.net/", NULL, "http://xn--n3h.net/"},
    {"http://i\u2764\ufe0f.\U0001f4a9.LA./", NULL, "http://xn--i-7iq.xn--ls8h.la./"},
    {"http://\U0001f4a9\U0001f355\u2603b\u2603.a\u3002m\u00dcnchen\uff0e\u2603", NULL,
     "http://xn--b-0xpb30538btnb.a.xn--mnchen-3ya.xn--n3h/"},
    {"http://\u2603\u00c4.net/", NULL, NULL, URL_HOST_IDNA}, /* not mapped where libidn2 disallows */
    {"http://\u2603\xff.net/", NULL, NULL, URL_HOST_IDNA},
    {"http://\u2603\u200d.net/", NULL, NULL, URL_HOST_IDNA},
    {"http://xn--1ug96u.net/", NULL, NULL, URL_HOST_IDNA},
    {"http://xn--1ug.com/", NULL, NULL, URL_HOST_IDNA}, /* a lone joiner */
    {"http://xn--a/", NULL, NULL, URL_HOST_IDNA},
    {"http://xn--/", NULL, NULL, URL_HOST_IDNA},
    {"http://\ufffd.com/", NULL, NULL, URL_HOST_IDNA},
    {"http://\xff.com/", NULL, NULL, URL_HOST_IDNA},
    {"http://%ff.com/", NULL, NULL, URL_HOST_IDNA},
    {"http://\u0301x.com/", NULL, NULL, URL_HOST_IDNA},
    {"http://a.b\u2260c/", NULL, "http://a.xn--bc-miv/"},
};

static void expect(const struct vector *v)
{
    BUF_AUTO buf b, bb;
    url base, u = {.port = 1};
    buf_init(&b, URL_BUF_MAX);
    buf_init(&bb, URL_BUF_MAX);
    if (v->base) {
        OK(url_parse(&bb, str_of(v->base), NULL, &base));
    }
    int rc = url_parse(&b, str_of(v->in), v->base ? &base : NULL, &u);
    if (!v->href) {
        ck_assert_msg(rc == v->error, "%s gives %s, not: %s", v->in, rc ? url_error_text(rc) : b.p,
                      url_error_text(v->error));
        ck_assert_msg(!u.href.p && u.port == 1, "%s failed but wrote a result", v->in);
        return;
    }
    ck_assert_msg(rc == 0, "%s fails: %s", v->in, url_error_text(rc));
    ck_assert_msg(str_eq(u.href, str_of(v->href)), "%s gives %.*s, not %s", v->in, STR_FMT(u.href), v->href);
    OK(url_parse(&bb, u.href, NULL, &base));
    ck_assert_msg(str_eq(u.href, base.href), "%s becomes %s when read again", v->href, bb.p);
}

static void expect_all(const struct vector *v, size_t n)
{
    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++) {
        expect(&v[i]);
    }
}
#define EXPECT_ALL(vectors) expect_all((vectors), sizeof(vectors) / sizeof *(vectors))

START_TEST(scheme_port_and_missing_parts)
{
    EXPECT_ALL(plain);
}
END_TEST

START_TEST(backslashes_white_space_and_slashes_are_read_as_browsers_do)
{
    EXPECT_ALL(slashes_and_space);
}
END_TEST

START_TEST(user_name_and_password_end_at_the_last_at_sign)
{
    EXPECT_ALL(userinfo);
}
END_TEST

START_TEST(dot_segments_go_and_each_component_has_its_own_escapes)
{
    EXPECT_ALL(paths);
}
END_TEST

START_TEST(relative_references_resolve_against_the_base)
{
    EXPECT_ALL(relative);
}
END_TEST

START_TEST(ipv4_is_read_in_all_its_spellings)
{
    EXPECT_ALL(ipv4);
}
END_TEST

START_TEST(ipv6_is_read_and_compressed)
{
    EXPECT_ALL(ipv6);
}
END_TEST

START_TEST(names_go_through_idna)
{
    EXPECT_ALL(names);
}
END_TEST

RUN("url_vectors", 10, CASE(scheme_port_and_missing_parts),
    CASE(backslashes_white_space_and_slashes_are_read_as_browsers_do),
    CASE(user_name_and_password_end_at_the_last_at_sign), CASE(dot_segments_go_and_each_component_has_its_own_escapes),
    CASE(relative_references_resolve_against_the_base), CASE(ipv4_is_read_in_all_its_spellings),
    CASE(ipv6_is_read_and_compressed), CASE(names_go_through_idna));
