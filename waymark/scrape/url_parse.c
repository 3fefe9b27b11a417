#include "waymark/scrape/url_impl.h"

struct parser {
    str in;
    size_t at;
    struct url_out out;
    url u;
};

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static str written(const struct parser *p, size_t from)
{
    return str_n(p->out.p + from, p->out.n - from);
}

/* Takes what lies before the next slash, '?' or '#'. */
static str take_component(struct parser *p)
{
    size_t from = p->at;
    while (p->at < p->in.len && !url_byte_is(p->in.p[p->at], BYTE_DELIMITER)) {
        p->at++;
    }
    return str_n(p->in.p + from, p->at - from);
}

/* ---- scheme ---- */

str url_scheme(str in)
{
    size_t i = 0;
    while (i < in.len && (uint8_t)in.p[i] <= ' ') {
        i++;
    }
    size_t from = i;
    while (i < in.len && (ascii_is_alpha(in.p[i]) || (i > from && (ascii_is_digit(in.p[i]) || in.p[i] == '+' ||
                                                                   in.p[i] == '-' || in.p[i] == '.')))) {
        i++;
    }
    return i < in.len && i > from && in.p[i] == ':' ? str_n(in.p + from, i - from) : (str){NULL, 0};
}

static void put_scheme(struct parser *p, bool https)
{
    p->u.https = https;
    url_out_str(&p->out, https ? STR("https") : STR("http"));
    p->u.scheme = written(p, 0);
    url_out_str(&p->out, STR("://"));
}

/* ---- authority ---- */

static void put_userinfo(struct parser *p, str userinfo)
{
    str password = userinfo, username = str_cut(&password, ':');
    size_t from = p->out.n;
    url_out_escaped(&p->out, username, BYTE_USERINFO);
    p->u.username = written(p, from);
    if (password.len) {
        url_out_char(&p->out, ':');
        from = p->out.n;
        url_out_escaped(&p->out, password, BYTE_USERINFO);
        p->u.password = written(p, from);
    }
    if (username.len || password.len) {
        url_out_char(&p->out, '@');
    }
}

static int put_port(struct parser *p, str digits)
{
    unsigned port = 0, normal = p->u.https ? 443 : 80;
    for (size_t i = 0; i < digits.len; i++) {
        if (!ascii_is_digit(digits.p[i])) {
            return URL_PORT_SYNTAX;
        }
        port = port * 10 + (unsigned)(digits.p[i] - '0');
        if (port > UINT16_MAX) {
            return URL_PORT_RANGE;
        }
    }
    p->u.port = (uint16_t)(digits.len ? port : normal);
    p->u.has_port = p->u.port != normal;
    if (p->u.has_port) {
        char text[6], *at = text + sizeof text;
        do {
            *--at = (char)('0' + port % 10);
            port /= 10;
        } while (port);
        *--at = ':';
        url_out_str(&p->out, str_n(at, (size_t)(text + sizeof text - at)));
    }
    return URL_OK;
}

/* The first colon outside brackets, or the length. */
static size_t host_end(str s)
{
    bool inside = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == ':' && !inside) {
            return i;
        }
        inside = s.p[i] == '[' || (inside && s.p[i] != ']');
    }
    return s.len;
}

static int parse_authority(struct parser *p)
{
    while (p->at < p->in.len && is_slash(p->in.p[p->at])) {
        p->at++;
    }
    str rest = take_component(p);
    const char *sign = rest.len ? memrchr(rest.p, '@', rest.len) : NULL;
    if (sign) {
        size_t len = (size_t)(sign - rest.p);
        put_userinfo(p, str_n(rest.p, len));
        rest = str_from(rest, len + 1);
    }
    size_t end = host_end(rest);
    if (end == 0) {
        return URL_HOST_MISSING;
    }
    int rc = url_out_host(&p->out, str_n(rest.p, end), &p->u);
    return rc ? rc : put_port(p, str_from(rest, end + 1));
}

/* ---- path, query, fragment ---- */

/* How many dots a segment stands for, "%2e" being one too; 0: it is no dot segment. */
static int dots(str s)
{
    int n = 0;
    for (size_t i = 0; i < s.len && n <= 2; n++) {
        if (s.p[i] == '.') {
            i++;
        } else if (s.len - i >= 3 && s.p[i] == '%' && s.p[i + 1] == '2' && (s.p[i + 2] | 0x20) == 'e') {
            i += 3;
        } else {
            return 0;
        }
    }
    return n <= 2 ? n : 0;
}

/* Takes the last segment and its slash off a path that starts at from. */
static void shorten(struct url_out *o, size_t from)
{
    const char *slash = o->n > from ? memrchr(o->p + from, '/', o->n - from) : NULL;
    o->n = slash ? (size_t)(slash - o->p) : from;
}

/* The segments at p->at, the slash before the first one already read, behind the path written since from. */
static void put_segments(struct parser *p, size_t from)
{
    bool more = true;
    while (more) {
        str segment = take_component(p);
        more = p->at < p->in.len && is_slash(p->in.p[p->at]);
        p->at += more;
        int n = dots(segment);
        if (n == 2) {
            shorten(&p->out, from);
        }
        if (n == 0 || !more) {
            url_out_char(&p->out, '/');
        }
        if (n == 0) {
            url_out_escaped(&p->out, segment, BYTE_PATH);
        }
    }
    p->u.path = written(p, from);
}

static void put_query(struct parser *p)
{
    if (p->at < p->in.len && p->in.p[p->at] == '?') {
        p->at++;
        url_out_char(&p->out, '?');
        size_t from = p->out.n;
        str rest = str_from(p->in, p->at), query = str_cut(&rest, '#');
        url_out_escaped(&p->out, query, BYTE_QUERY);
        p->at += query.len;
        p->u.query = written(p, from);
        p->u.has_query = true;
    }
}

static void put_fragment(struct parser *p)
{
    if (p->at < p->in.len && p->in.p[p->at] == '#') {
        url_out_char(&p->out, '#');
        size_t from = p->out.n;
        url_out_escaped(&p->out, str_from(p->in, p->at + 1), BYTE_FRAGMENT);
        p->u.fragment = written(p, from);
        p->u.has_fragment = true;
    }
}

static int parse_absolute(struct parser *p, bool https)
{
    put_scheme(p, https);
    int rc = parse_authority(p);
    if (rc) {
        return rc;
    }
    p->at += p->at < p->in.len && is_slash(p->in.p[p->at]);
    put_segments(p, p->out.n);
    put_query(p);
    put_fragment(p);
    return URL_OK;
}

/* Moves a slice of one serialisation to the same place of another. */
static str moved(str s, const char *from, const char *to)
{
    return s.p ? str_n(to + (s.p - from), s.len) : s;
}

static void rebase(url *u, const char *to)
{
    str *const parts[] = {&u->scheme, &u->username, &u->password, &u->host, &u->path, &u->query, &u->fragment};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i] = moved(*parts[i], u->href.p, to);
    }
    u->href.p = to;
}

static int parse_relative(struct parser *p, const url *base)
{
    char c = p->at < p->in.len ? p->in.p[p->at] : '\0', next = p->at + 1 < p->in.len ? p->in.p[p->at + 1] : '\0';
    if (is_slash(c) && is_slash(next)) {
        return parse_absolute(p, base->https);
    }
    size_t path_at = (size_t)(base->path.p - base->href.p);
    p->u = *base;
    rebase(&p->u, p->out.p);
    p->u.fragment = (str){NULL, 0};
    p->u.has_fragment = false;
    bool has_path = p->at < p->in.len && c != '?' && c != '#';
    if (has_path || c == '?') {
        p->u.query = (str){NULL, 0};
        p->u.has_query = false;
    }
    size_t keep = p->u.has_query ? (size_t)(base->query.p - base->href.p) + base->query.len : path_at + base->path.len;
    url_out_str(&p->out, str_n(base->href.p, keep));
    if (has_path) {
        if (is_slash(c)) {
            p->at++;
            p->out.n = path_at;
        } else {
            shorten(&p->out, path_at);
        }
        put_segments(p, path_at);
    }
    put_query(p);
    put_fragment(p);
    return URL_OK;
}

/* ---- the whole ---- */

static bool is_stripped(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

/* Makes room behind b for the longest serialisation, and for the input without tabs and line ends when it has any. */
static int prepare(struct parser *p, buf *b, str in, const url *base)
{
    size_t escapes = 0, stripped = 0;
    bool plain = true;
    for (size_t i = 0; i < in.len; i++) {
        escapes += url_byte_is(in.p[i], BYTE_USERINFO | BYTE_QUERY);
        stripped += is_stripped(in.p[i]);
        plain &= (uint8_t)in.p[i] < 0x80 && in.p[i] != '%';
    }
    /* Beyond its own bytes: scheme and slashes that it lacks, a short address written out, a path's first slash. */
    size_t room = 32 + (plain ? 0U : (size_t)URL_HOST_GROWTH) + (base ? base->href.len : 0),
           copy = stripped ? in.len : 0;
    if (__builtin_add_overflow(room, in.len, &room) || __builtin_mul_overflow(escapes, (size_t)2, &escapes) ||
        __builtin_add_overflow(room, escapes, &room) || room > b->limit || copy > b->limit - room) {
        return URL_TOO_LONG;
    }
    buf_clear(b);
    char *to = buf_reserve(b, room + copy);
    if (!to) {
        return b->err;
    }
    p->out = (struct url_out){.p = to, .room = room};
    p->in = in;
    if (stripped) {
        size_t n = 0;
        for (size_t i = 0; i < in.len; i++) {
            to[room + n] = in.p[i];
            n += !is_stripped(in.p[i]);
        }
        p->in = str_n(to + room, n);
    }
    return URL_OK;
}

static str trim(str s)
{
    while (s.len && (uint8_t)s.p[0] <= ' ') {
        s.p++;
        s.len--;
    }
    while (s.len && (uint8_t)s.p[s.len - 1] <= ' ') {
        s.len--;
    }
    return s;
}

int url_parse(buf *b, str in, const url *base, url *ret)
{
    struct parser p = {.at = 0};
    int rc = prepare(&p, b, trim(in), base);
    if (rc) {
        return rc;
    }
    str scheme = url_scheme(p.in);
    if (scheme.len) {
        bool https = str_eq_nocase(scheme, STR("https"));
        if (!https && !str_eq_nocase(scheme, STR("http"))) {
            return URL_OTHER_SCHEME;
        }
        p.at = scheme.len + 1;
        bool slashes = str_starts(str_from(p.in, p.at), STR("//"));
        rc = base && base->https == https && !slashes ? parse_relative(&p, base) : parse_absolute(&p, https);
    } else if (base) {
        rc = parse_relative(&p, base);
    } else {
        rc = p.in.len ? URL_NO_BASE : URL_EMPTY;
    }
    if (rc) {
        return rc;
    }
    assert(p.out.n < b->room);
    b->len = p.out.n;
    b->p[b->len] = '\0';
    *ret = p.u;
    ret->href = buf_str(b);
    return URL_OK;
}

int url_dup(arena *a, const url *u, url *ret)
{
    char *text = arena_memdup0(a, u->href.p, u->href.len);
    if (!text) {
        return URL_NOMEM;
    }
    *ret = *u;
    rebase(ret, text);
    return URL_OK;
}
