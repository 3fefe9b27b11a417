#include "strata/engine/url.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static st_err bad(const char *what, str part)
{
    diag_set(ST_E_URL, "database URL: %s '%.*s'", what, STR_FMT(part));
    diag_hint("use sqlite:///file, sqlite:////absolute/file, sqlite:///:memory: or postgresql://user@host/database");
    return ST_E_URL;
}

/* A percent-decoded copy. NUL is refused: every consumer wants a C string. */
static st_err decode(arena *a, str s, const char **ret)
{
    char *out = arena_bytes(a, s.len + 1);
    if (!out) {
        return diag_nomem();
    }
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.len ? ascii_hex(s.p[i + 1]) : -1;
            int lo = i + 2 < s.len ? ascii_hex(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0 || hi + lo == 0) {
                return bad("bad percent-encoding in", s);
            }
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    *ret = out;
    return 0;
}

static st_err sqlite_number(str key, str value, uint64_t min, uint64_t max, uint64_t *ret)
{
    if (!str_to_u64(value, max, ret) || *ret < min) {
        diag_set(ST_E_URL, "database URL: %.*s must be a number from %llu to %llu, not '%.*s'", STR_FMT(key),
                 (unsigned long long)min, (unsigned long long)max, STR_FMT(value));
        return ST_E_URL;
    }
    return 0;
}

static st_err sqlite_param(struct st_url *u, str key, str value)
{
    uint64_t n;
    if (str_eq(key, STR("mode"))) {
        u->read_only = str_eq(value, STR("ro"));
        u->create = str_eq(value, STR("rwc"));
        return u->read_only || u->create || str_eq(value, STR("rw")) ? 0 : bad("mode is ro, rw or rwc, not", value);
    }
    if (str_eq(key, STR("synchronous"))) {
        u->sync_full = str_eq(value, STR("full"));
        return u->sync_full || str_eq(value, STR("normal")) ? 0 : bad("synchronous is normal or full, not", value);
    }
    if (str_eq(key, STR("cache_kib"))) {
        st_err rc = sqlite_number(key, value, 64, 16U << 20, &n);
        u->cache_kib = rc ? 0 : (unsigned)n;
        return rc;
    }
    if (str_eq(key, STR("busy_ms"))) {
        st_err rc = sqlite_number(key, value, 0, 86400000, &n);
        u->busy_ms = rc ? -1 : (int64_t)n;
        return rc;
    }
    return bad("SQLite knows mode, cache_kib, busy_ms and synchronous, but not the parameter", key);
}

static st_err parse_sqlite(arena *a, str rest, struct st_url *u)
{
    u->dialect = ST_SQLITE;
    u->create = true;
    u->busy_ms = -1;
    str query = rest;
    str path = str_cut(&query, '?');
    if (!str_starts(path, STR("/")) || path.len < 2) {
        return bad("a SQLite URL has three slashes and then the file's name, unlike", path);
    }
    st_err rc = decode(a, str_from(path, 1), &u->path);
    while (!rc && query.p) {
        str value = str_cut(&query, '&');
        str key = str_cut(&value, '=');
        rc = key.len || value.p ? sqlite_param(u, key, value) : 0;
    }
    if (rc) {
        return rc;
    }
    u->memory = strcmp(u->path, ":memory:") == 0;
    return u->memory && u->read_only ? bad("mode=ro makes no sense for", STR(":memory:")) : 0;
}

/* Copies url to out without our own parameter. */
static st_err take_pooler(str url, buf *out, bool *ret_pooler)
{
    str query = url;
    buf_put_str(out, str_cut(&query, '?'));
    char sep = '?';
    while (query.p) {
        str param = str_cut(&query, '&');
        if (str_starts(param, STR("pooler="))) {
            str mode = str_from(param, 7);
            *ret_pooler = str_eq(mode, STR("transaction"));
            if (!*ret_pooler && !str_eq(mode, STR("session"))) {
                return bad("pooler is transaction or session, not", mode);
            }
        } else if (param.len) {
            buf_put_char(out, sep);
            buf_put_str(out, param);
            sep = '&';
        }
    }
    return out->err ? diag_nomem() : 0;
}

static st_err check_ports(const char *ports)
{
    str rest = str_of(ports);
    while (rest.p) {
        str port = str_cut(&rest, ',');
        uint64_t n;
        if (port.len && (!str_to_u64(port, 65535, &n) || n == 0)) {
            return bad("a port is a number from 1 to 65535, not", port);
        }
    }
    return 0;
}

/* Takes what the URL gave (not libpq's defaults and environment, which libpq adds itself when it connects). */
static st_err copy_pairs(arena *a, const PQconninfoOption *options, struct st_url *u)
{
    const char **keywords = ARENA_ARRAY(a, const char *, ST_URL_PAIRS_MAX + 1);
    const char **values = ARENA_ARRAY(a, const char *, ST_URL_PAIRS_MAX + 1);
    if (!keywords || !values) {
        return diag_nomem();
    }
    size_t n = 0;
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        if (!o->val || !*o->val) {
            continue;
        }
        if (n == ST_URL_PAIRS_MAX) {
            return bad("too many parameters, from", str_of(o->keyword));
        }
        keywords[n] = arena_strdup(a, o->keyword);
        values[n] = arena_strdup(a, o->val);
        if (!keywords[n] || !values[n]) {
            return diag_nomem();
        }
        n++;
    }
    u->keywords = keywords;
    u->values = values;
    const char *ports = st_url_get(u, "port");
    return ports ? check_ports(ports) : 0;
}

static st_err parse_postgresql(arena *a, str url, struct st_url *u)
{
    u->dialect = ST_POSTGRESQL;
    BUF_AUTO buf plain;
    buf_init(&plain, ST_URL_MAX);
    st_err rc = take_pooler(url, &plain, &u->pooler);
    if (rc) {
        return rc;
    }
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(plain.p, &why);
    if (options) {
        rc = copy_pairs(a, options, u);
    } else if (why) {
        /* libpq quotes the part that it cannot read, which may be the password. */
        str text = str_trim(str_of(why));
        ptrdiff_t quote = str_find_char(text, '"');
        bool secret = str_find_nocase(text, STR("percent")) >= 0 && quote > 0;
        rc = diag_set(ST_E_URL, "database URL: %.*s", secret ? (int)quote - 1 : (int)text.len, text.p);
    } else {
        rc = diag_nomem();
    }
    PQconninfoFree(options);
    PQfreemem(why);
    return rc;
}

/* The URL with what follows "user:" and any parameter ending in "password" replaced. */
static const char *hide_passwords(arena *a, str url)
{
    BUF_AUTO buf out;
    buf_init(&out, 2 * ST_URL_MAX);
    str query = url;
    str front = str_cut(&query, '?');
    ptrdiff_t scheme = str_find(front, STR("://"));
    str authority = str_from(front, (size_t)scheme + 3);
    buf_put(&out, front.p, (size_t)scheme + 3);
    ptrdiff_t at = -1; /* the last one: a password may hold an unencoded @ */
    for (size_t i = 0; i < authority.len; i++) {
        at = authority.p[i] == '@' ? (ptrdiff_t)i : at;
    }
    ptrdiff_t colon = at < 0 ? -1 : str_find_char(str_n(authority.p, (size_t)at), ':');
    if (colon >= 0) {
        buf_put(&out, authority.p, (size_t)colon);
        buf_puts(&out, ":***");
        authority = str_from(authority, (size_t)at);
    }
    buf_put_str(&out, authority);
    char sep = '?';
    while (query.p) {
        str value = str_cut(&query, '&');
        str key = str_cut(&value, '=');
        buf_put_char(&out, sep);
        buf_put_str(&out, key);
        if (value.p) {
            buf_put_char(&out, '=');
            buf_put_str(&out, str_ends(key, STR("password")) ? STR("***") : value);
        }
        sep = '&';
    }
    return out.err ? NULL : arena_memdup0(a, out.p, out.len);
}

st_err st_url_parse(arena *a, const char *url, struct st_url *ret)
{
    assert(a && ret);
    struct st_url u = {.busy_ms = -1};
    str text = str_of(url);
    if (!text.len) {
        return bad("is empty", text);
    }
    if (text.len > ST_URL_MAX) {
        return diag_set(ST_E_URL, "database URL: longer than %d bytes", ST_URL_MAX);
    }
    st_err rc;
    ptrdiff_t scheme = str_find(text, STR("://"));
    if (str_starts(text, STR("sqlite://"))) {
        rc = parse_sqlite(a, str_from(text, 9), &u);
    } else if (str_starts(text, STR("postgresql://")) || str_starts(text, STR("postgres://"))) {
        rc = parse_postgresql(a, text, &u);
    } else if (scheme >= 0) {
        rc = bad("unknown scheme", str_n(text.p, (size_t)scheme));
    } else {
        rc = bad("has no scheme", STR("")); /* not shown: it may hold a password */
    }
    if (rc) {
        return rc;
    }
    u.shown = hide_passwords(a, text);
    if (!u.shown) {
        return diag_nomem();
    }
    *ret = u;
    return 0;
}

const char *st_url_get(const struct st_url *url, const char *keyword)
{
    for (size_t i = 0; url->keywords && url->keywords[i]; i++) {
        if (strcmp(url->keywords[i], keyword) == 0) {
            return url->values[i];
        }
    }
    return NULL;
}
