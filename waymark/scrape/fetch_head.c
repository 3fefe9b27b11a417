#include <errno.h>

#include "base/clock.h"
#include "waymark/scrape/fetch_impl.h"

void head_init(struct head *h, const struct fetch_limits *limits)
{
    *h = (struct head){0};
    buf_init(&h->lines, limits->header_bytes + limits->header_max); /* a bare LF becomes a byte longer */
}

void head_release(struct head *h)
{
    buf_release(&h->lines);
}

static str without_eol(str line)
{
    while (line.len && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r')) {
        line.len--;
    }
    return line;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200" */
static enum fetch_outcome status_line(struct head *h, str line, const struct fetch_limits *limits)
{
    str rest = str_from(line, 5), version = str_cut(&rest, ' ');
    uint64_t status;
    str code = str_trim(rest);
    if (code.len > 3) {
        code = str_cut(&code, ' ');
    }
    if (!str_to_u64(code, 999, &status) || status < 100) {
        return FETCH_PROTOCOL;
    }
    buf_clear(&h->lines);
    h->status = (int)status;
    h->version = str_eq(version, STR("1.0")) ? 10 : str_starts(version, STR("2")) ? 20 : 11;
    return status < 200 && ++h->interim > limits->interim_max ? FETCH_TOO_MANY_INTERIM : FETCH_OK;
}

enum fetch_outcome head_line(struct head *h, str line, const struct fetch_limits *limits)
{
    h->bytes += line.len;
    line = without_eol(line);
    if (line.len && ++h->n > limits->header_max) {
        return FETCH_TOO_MANY_HEADERS;
    }
    if (h->bytes > limits->header_bytes) {
        return FETCH_HEADERS_TOO_LARGE;
    }
    if (h->complete) {
        return FETCH_OK; /* a trailer */
    }
    if (str_starts(line, STR("HTTP/"))) {
        return status_line(h, line, limits);
    }
    if (!line.len) {
        h->complete = h->status >= 200;
        return FETCH_OK;
    }
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon > 0 && !ascii_is_space(line.p[0])) {
        str value = str_trim(str_from(line, (size_t)colon + 1));
        (void)buf_put(&h->lines, line.p, (size_t)colon);
        (void)buf_puts(&h->lines, ": ");
        (void)buf_put_str(&h->lines, value);
        (void)buf_put_char(&h->lines, '\n');
    }
    return h->lines.err == -ENOMEM ? FETCH_NO_MEMORY : h->lines.err ? FETCH_HEADERS_TOO_LARGE : FETCH_OK;
}

bool head_next(str *rest, str name, str *ret_value)
{
    while (rest->p && rest->len) {
        str line = str_cut(rest, '\n');
        if (line.len > name.len && line.p[name.len] == ':' && str_starts_nocase(line, name)) {
            *ret_value = str_trim(str_from(line, name.len + 1));
            return true;
        }
    }
    return false;
}

str head_find(const struct head *h, str name)
{
    str rest = buf_str(&h->lines), value;
    return head_next(&rest, name, &value) ? value : (str){0};
}

int64_t head_retry_after_ms(const struct head *h)
{
    str v = head_find(h, STR("Retry-After"));
    uint64_t s;
    int64_t at;
    if (str_to_u64(v, INT32_MAX, &s)) {
        return (int64_t)s * 1000;
    }
    if (v.len && clock_parse_http(v, &at)) {
        int64_t left = (at - clock_wall_us()) / 1000;
        return left > 0 ? left : 0;
    }
    return -1;
}
