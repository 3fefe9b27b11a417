#include "waymark/scrape/url.h"

const char *url_error_text(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {URL_OK, "no error"},
        {URL_NOMEM, "out of memory"},
        {URL_TOO_LONG, "too long"},
        {URL_EMPTY, "empty"},
        {URL_NO_BASE, "relative, and there is no base to resolve it against"},
        {URL_OTHER_SCHEME, "scheme is not http or https"},
        {URL_HOST_MISSING, "host missing"},
        {URL_HOST_CHARACTER, "host holds a character that no host may"},
        {URL_HOST_IDNA, "host is not a valid international domain name"},
        {URL_HOST_IPV4, "host ends in a number but is no IPv4 address"},
        {URL_HOST_IPV6, "host is no IPv6 address"},
        {URL_HOST_ZONE, "IPv6 address with a zone"},
        {URL_HOST_TOO_LONG, "host too long"},
        {URL_PORT_SYNTAX, "port is not a number"},
        {URL_PORT_RANGE, "port out of range"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].error == error) {
            return texts[i].text;
        }
    }
    return "unknown error";
}

str url_serialize(const url *u, bool fragment)
{
    size_t len = u->has_fragment ? u->href.len - u->fragment.len - 1 : u->href.len;
    return fragment ? u->href : str_n(u->href.p, len);
}

str url_target(const url *u)
{
    return str_n(u->path.p, u->path.len + (u->has_query ? u->query.len + 1 : 0));
}

int url_put_origin(buf *b, const url *u)
{
    (void)buf_put_str(b, u->scheme);
    (void)buf_puts(b, "://");
    (void)buf_put_str(b, u->host);
    if (u->has_port) {
        (void)buf_put_char(b, ':');
        (void)buf_put_u64(b, u->port);
    }
    return b->err;
}

bool url_same_origin(const url *a, const url *b)
{
    return a->https == b->https && a->port == b->port && str_eq(a->host, b->host);
}
