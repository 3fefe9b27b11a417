#include "waymark/scrape/scope.h"

#include <assert.h>
#include <libpsl.h>

enum { HOST_MAX = 253 };

static str without_dot(str host)
{
    if (host.len && host.p[host.len - 1] == '.') {
        host.len--;
    }
    return host;
}

/* Of hosts in canonical form only addresses end in a digit label or a bracket. */
static bool is_address(str host)
{
    if (host.len == 0 || host.p[host.len - 1] == ']') {
        return true;
    }
    size_t i = host.len;
    while (i && ascii_is_digit(host.p[i - 1])) {
        i--;
    }
    return i < host.len && (i == 0 || host.p[i - 1] == '.');
}

str scope_registrable(str host)
{
    char text[HOST_MAX + 1];
    host = without_dot(host);
    if (host.len > HOST_MAX || is_address(host) || memchr(host.p, '\0', host.len)) {
        return (str){NULL, 0};
    }
    memcpy(text, host.p, host.len);
    text[host.len] = '\0';
    const char *at = psl_registrable_domain(psl_builtin(), text);
    assert(!at || (at >= text && at < text + host.len));
    return at ? str_from(host, (size_t)(at - text)) : (str){NULL, 0};
}

static str without_www(str host)
{
    return str_starts(host, STR("www.")) ? str_from(host, 4) : host;
}

bool scope_covers(enum scope scope, str home, str host)
{
    home = without_dot(home);
    host = without_dot(host);
    if (str_eq(home, host)) {
        return true;
    }
    if (scope == SCOPE_WWW) {
        return str_eq(without_www(home), without_www(host));
    }
    if (scope == SCOPE_SITE) {
        str domain = scope_registrable(home);
        return domain.len && str_eq(domain, scope_registrable(host));
    }
    return false;
}
