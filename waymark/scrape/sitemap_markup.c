/* One entry's markup of any kind, read in place for the scanner: elements with attributes, references, CDATA,
 * comments. Anything that is not plainly well-formed is left to expat. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "waymark/scrape/sitemap_impl.h"

/* Behind '&' at p: the reference's character, its length (with ';'); 0 when it is none. */
static size_t reference(sitemap_parser *s, const char *p, const char *end, char out[static 4], size_t *ret_n)
{
    static const struct {
        const char *name;
        size_t len;
        char c;
    } five[] = {{"amp;", 4, '&'}, {"lt;", 3, '<'}, {"gt;", 3, '>'}, {"quot;", 5, '"'}, {"apos;", 5, '\''}};
    size_t left = (size_t)(end - p);
    for (size_t i = 0; i < sizeof five / sizeof *five; i++) {
        if (left >= five[i].len && memcmp(p, five[i].name, five[i].len) == 0) {
            out[0] = five[i].c;
            *ret_n = 1;
            return five[i].len;
        }
    }
    size_t i = 0;
    *ret_n = 0;
    if (left && p[0] == '#') {
        bool hex = left > 1 && p[1] == 'x';
        uint32_t cp = 0;
        size_t start = i = hex ? 2 : 1;
        for (; i < left && (hex ? ascii_hex(p[i]) >= 0 : ascii_is_digit(p[i])); i++) {
            cp = cp > 0x10ffff ? cp : cp * (hex ? 16 : 10) + (uint32_t)ascii_hex(p[i]);
        }
        if (i == start || i == left || p[i] != ';') {
            return 0;
        }
        bool legal = (cp >= 0x20 || cp == '\t' || cp == '\n' || cp == '\r') && cp <= 0x10ffff &&
                     (cp < 0xd800 || cp > 0xdfff) && cp != 0xfffe && cp != 0xffff;
        if (legal) {
            *ret_n = utf8_put(cp, out);
        } else {
            builder_pending(&s->b, SITEMAP_BAD_REFERENCE);
        }
        return i + 1;
    }
    while (i < left && i < 64 &&
           (ascii_is_alpha(p[i]) || (i && (ascii_is_digit(p[i]) || p[i] == '.' || p[i] == '-')))) {
        i++;
    }
    if (i == 0 || i == left || p[i] != ';') {
        return 0;
    }
    builder_pending(&s->b, SITEMAP_ENTITY_UNDEFINED);
    return i + 1;
}

str sitemap_decode(sitemap_parser *s, str raw, bool attribute)
{
    const char *end = raw.p + raw.len, *amp = raw.len ? memchr(raw.p, '&', raw.len) : NULL;
    if (!amp && !attribute) {
        return raw;
    }
    if (!amp) {
        size_t i = 0;
        while (i < raw.len && raw.p[i] != '\t' && raw.p[i] != '\n' && raw.p[i] != '\r') {
            i++;
        }
        if (i == raw.len) {
            return raw;
        }
    }
    char *out = arena_bytes(s->scratch, raw.len); /* a reference is never shorter than what it stands for */
    if (!out) {
        sitemap_fail(s, diag_nomem());
        return (str){NULL, 0};
    }
    size_t n = 0;
    for (const char *p = raw.p; p < end;) {
        char c = *p++, ref[4];
        if (c == '&') {
            size_t n_ref = 0, used = reference(s, p, end, ref, &n_ref);
            if (used) {
                memcpy(out + n, ref, n_ref);
                n += n_ref;
                p += used;
                continue;
            }
            builder_pending(&s->b, SITEMAP_BAD_REFERENCE);
        }
        out[n++] = attribute && (c == '\t' || c == '\n' || c == '\r') ? ' ' : c;
    }
    assert(n <= raw.len);
    return str_n(out, n);
}

enum scan sitemap_attributes(sitemap_parser *s, bool wanted, const char **at, const char *end, bool *ret_empty)
{
    const char *p = *at;
    for (;;) {
        const char *before = p;
        while (p < end && ascii_is_space(*p)) {
            p++;
        }
        if (end - p < 2) {
            return p < end && *p == '>' ? (*at = p + 1, *ret_empty = false, SCAN_OK) : SCAN_NEED;
        }
        if (*p == '>' || (p[0] == '/' && p[1] == '>')) {
            *ret_empty = *p == '/';
            *at = p + 1 + *ret_empty;
            return SCAN_OK;
        }
        const char *name = p;
        p = sitemap_name_end(p, end);
        str qname = str_n(name, (size_t)(p - name));
        while (p < end && ascii_is_space(*p)) {
            p++;
        }
        if (p == end) {
            return SCAN_NEED;
        }
        if (qname.len == 0 || *p++ != '=' || before == name) {
            return SCAN_STRANGE;
        }
        while (p < end && ascii_is_space(*p)) {
            p++;
        }
        if (p == end) {
            return SCAN_NEED;
        }
        char quote = *p++;
        if (quote != '"' && quote != '\'') {
            return SCAN_STRANGE;
        }
        const char *close = memchr(p, quote, (size_t)(end - p));
        if (!close) {
            return SCAN_NEED;
        }
        if (memchr(p, '<', (size_t)(close - p))) {
            return SCAN_STRANGE;
        }
        if (wanted && builder_wants(qname)) {
            builder_attr(s, qname, sitemap_decode(s, str_n(p, (size_t)(close - p)), true), true);
        }
        p = close + 1;
    }
}

static enum scan start_tag(sitemap_parser *s, struct markup *m, const char **at, const char *end)
{
    const char *name = *at + 1, *p = sitemap_name_end(name, end);
    str qname = str_n(name, (size_t)(p - name));
    if (p == end) {
        return SCAN_NEED;
    }
    if (qname.len == 0 || !(ascii_is_alpha(qname.p[0]) || qname.p[0] == '_' || (uint8_t)qname.p[0] >= 0x80) ||
        m->depth == sizeof m->open / sizeof *m->open) {
        return SCAN_STRANGE;
    }
    str local = sitemap_local(qname);
    if (str_eq(local, STR("url")) || str_eq(local, STR("sitemap"))) {
        return SCAN_STRANGE; /* an entry in an entry */
    }
    bool empty, wanted = builder_start(s, qname);
    enum scan r = sitemap_attributes(s, wanted, &p, end, &empty);
    if (r != SCAN_OK) {
        return r;
    }
    builder_started(s);
    if (empty) {
        builder_end(s);
    } else {
        m->open[m->depth++] = qname;
    }
    *at = p;
    return SCAN_OK;
}

static enum scan end_tag(sitemap_parser *s, struct markup *m, const char **at, const char *end)
{
    assert(m->depth > 0);
    str want = m->open[m->depth - 1];
    const char *p = *at + 2;
    if ((size_t)(end - p) <= want.len) {
        return SCAN_NEED;
    }
    if (memcmp(p, want.p, want.len) != 0) {
        return SCAN_STRANGE;
    }
    p += want.len;
    while (p < end && ascii_is_space(*p)) {
        p++;
    }
    if (p == end) {
        return SCAN_NEED;
    }
    if (*p != '>') {
        return SCAN_STRANGE;
    }
    m->depth--;
    builder_end(s);
    *at = p + 1;
    return SCAN_OK;
}

/* "<!--", "<![CDATA[" and "<?" with all they hold. */
static enum scan enclosed(sitemap_parser *s, const char **at, const char *end)
{
    static const struct {
        const char *open;
        size_t n_open;
        const char *close;
        size_t n_close;
        bool text;
    } kinds[] = {{"<!--", 4, "-->", 3, false}, {"<![CDATA[", 9, "]]>", 3, true}, {"<?", 2, "?>", 2, false}};
    size_t left = (size_t)(end - *at);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = kinds[i].n_open;
        if (memcmp(*at, kinds[i].open, left < n ? left : n) != 0) {
            continue;
        }
        const char *p = *at + n, *close = left < n ? NULL : memmem(p, left - n, kinds[i].close, kinds[i].n_close);
        if (!close) {
            return SCAN_NEED;
        }
        if (kinds[i].text) {
            builder_text(s, str_n(p, (size_t)(close - p)), true);
        }
        *at = close + kinds[i].n_close;
        return SCAN_OK;
    }
    return SCAN_STRANGE;
}

enum scan sitemap_markup(sitemap_parser *s, struct markup *m, const char **at, const char *end)
{
    assert(*at < end);
    if (**at != '<') {
        const char *lt = memchr(*at, '<', (size_t)(end - *at));
        if (!lt) {
            return SCAN_NEED;
        }
        if (s->b.field && !s->b.skip) {
            builder_text(s, sitemap_decode(s, str_n(*at, (size_t)(lt - *at)), false), true);
        }
        *at = lt;
        return SCAN_OK;
    }
    if (end - *at < 2) {
        return SCAN_NEED;
    }
    char c = (*at)[1];
    if (c == '!' || c == '?') {
        return enclosed(s, at, end);
    }
    if (c != '/') {
        return start_tag(s, m, at, end);
    }
    return m->depth ? end_tag(s, m, at, end) : SCAN_STRANGE;
}
