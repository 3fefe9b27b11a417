/* A URL reads back as it was written; the canonical form is stable, and the quick check agrees with it. The input is a
 * reference; what stands before its first line end, when it has one, is the base. */
#include <stdlib.h>

#include "waymark/scrape/scope.h"
#include "waymark/scrape/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static bool inside(str part, str whole)
{
    return !part.p || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

static void check_parts(const url *u)
{
    must(u->host.len > 0 && u->path.len > 0 && u->path.p[0] == '/');
    must(inside(u->scheme, u->href) && inside(u->username, u->href) && inside(u->password, u->href));
    must(inside(u->host, u->href) && inside(u->path, u->href) && inside(u->query, u->href));
    must(inside(u->fragment, u->href) && inside(url_target(u), u->href));
    for (size_t i = 0; i < u->href.len; i++) {
        must(u->href.p[i] > ' ' && u->href.p[i] < 0x7f);
    }
    str domain = scope_registrable(u->host);
    must(inside(domain, u->host) && (u->host_kind == URL_DOMAIN || domain.len == 0));
}

static void check_canonical(str in, const url *base, unsigned flags)
{
    BUF_AUTO buf b;
    BUF_AUTO buf c;
    str once, twice;
    buf_init(&b, URL_BUF_MAX);
    buf_init(&c, URL_BUF_MAX);
    int rc = url_canonicalize(&b, in, base, flags, &once);
    must(rc == 0 || !url_is_canonical(in));
    if (rc == 0) {
        must(flags || !url_is_canonical(in) || once.p == in.p);
        must(url_canonicalize(&c, once, NULL, flags, &twice) == 0 && str_eq(once, twice));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = str_n((const char *)data, size), base_text = {NULL, 0};
    ptrdiff_t end = str_find_char(in, '\n');
    BUF_AUTO buf base_buf;
    BUF_AUTO buf b;
    BUF_AUTO buf c;
    url base, u, again;
    buf_init(&base_buf, URL_BUF_MAX);
    buf_init(&b, URL_BUF_MAX);
    buf_init(&c, URL_BUF_MAX);
    if (end >= 0) {
        base_text = str_n(in.p, (size_t)end);
        in = str_from(in, (size_t)end + 1);
    }
    bool has_base = base_text.p && url_parse(&base_buf, base_text, NULL, &base) == 0;
    int rc = url_parse(&b, in, has_base ? &base : NULL, &u);
    must(url_error_text(rc) != url_error_text(1));
    if (rc == 0) {
        check_parts(&u);
        must(url_parse(&c, u.href, NULL, &again) == 0 && str_eq(u.href, again.href));
        must(u.port == again.port && u.host_kind == again.host_kind && str_eq(u.path, again.path));
    }
    for (unsigned flags = 0; flags <= (URL_DROP_TRACKING | URL_DROP_SESSION); flags++) {
        check_canonical(in, has_base ? &base : NULL, flags);
    }
    return 0;
}
