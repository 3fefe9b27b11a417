#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { LEVELS_MAX = 63 };

static uint64_t bit(int level)
{
    return (uint64_t)1 << level;
}

void json_start(struct json_writer *w, buf *out)
{
    assert(out);
    *w = (struct json_writer){.out = out};
}

/* What stands before a value: a comma, unless it is the first or follows its key. */
static void before_value(struct json_writer *w)
{
    assert(w->after_key || w->depth == 0 || (w->is_array & bit(w->depth)));
    assert(w->depth > 0 || !(w->has_item & bit(0)));
    if (!w->after_key && (w->has_item & bit(w->depth))) {
        (void)buf_put_char(w->out, ',');
    }
    w->has_item |= bit(w->depth);
    w->after_key = false;
}

static void open_level(struct json_writer *w, char c, bool is_array)
{
    before_value(w);
    assert(w->depth < LEVELS_MAX);
    w->depth++;
    w->has_item &= ~bit(w->depth);
    w->is_array = is_array ? w->is_array | bit(w->depth) : w->is_array & ~bit(w->depth);
    (void)buf_put_char(w->out, c);
}

void json_object(struct json_writer *w)
{
    open_level(w, '{', false);
}

void json_array(struct json_writer *w)
{
    open_level(w, '[', true);
}

void json_end(struct json_writer *w)
{
    assert(w->depth > 0 && !w->after_key);
    (void)buf_put_char(w->out, w->is_array & bit(w->depth) ? ']' : '}');
    w->depth--;
}

/* What a byte becomes inside a string: 0 itself, 1 look closer (the rest of Unicode), 'u' \u00XX, else that letter
 * behind a backslash. */
static const char escapes[256] = {
    [0 ... 0x1f] = 'u', ['\b'] = 'b', ['\f'] = 'f',  ['\n'] = 'n',        ['\r'] = 'r',
    ['\t'] = 't',       ['"'] = '"',  ['\\'] = '\\', [0x80 ... 0xff] = 1,
};

static void put_escape(buf *out, uint8_t c)
{
    static const char digits[16] = "0123456789abcdef";
    if (escapes[c] == 'u') {
        char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        (void)buf_put(out, text, sizeof text);
    } else {
        char text[2] = {'\\', escapes[c]};
        (void)buf_put(out, text, sizeof text);
    }
}

/* How many bytes at the start of s stand for themselves; eight at a time, since most strings are all plain. */
static size_t plain_span(str s)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
    size_t at = 0;
    for (; at + 8 <= s.len; at += 8) {
        uint64_t w;
        memcpy(&w, s.p + at, sizeof w);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        if (((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & tops) {
            break;
        }
    }
    while (at < s.len && escapes[(uint8_t)s.p[at]] == 0) {
        at++;
    }
    return at;
}

static void put_quoted(buf *out, str s)
{
    if (plain_span(s) == s.len) {
        char *p = buf_reserve(out, s.len + 2);
        if (p) {
            p[0] = '"';
            if (s.len) {
                memcpy(p + 1, s.p, s.len);
            }
            memcpy(p + 1 + s.len, "\"", 2);
            out->len += s.len + 2;
        }
        return;
    }
    (void)buf_put_char(out, '"');
    size_t done = 0, at = 0;
    while (at < s.len) {
        uint8_t c = (uint8_t)s.p[at];
        if (escapes[c] == 0) {
            at++;
            continue;
        }
        size_t n = 1;
        bool valid = false;
        if (escapes[c] == 1) {
            n = str_utf8_next(str_from(s, at), &valid);
        }
        if (!valid) {
            (void)buf_put(out, s.p + done, at - done);
            if (escapes[c] == 1) {
                (void)buf_put(out, "\xef\xbf\xbd", 3);
            } else {
                put_escape(out, c);
            }
            done = at + n;
        }
        at += n;
    }
    assert(done <= at && at == s.len);
    if (at > done) {
        (void)buf_put(out, s.p + done, at - done);
    }
    (void)buf_put_char(out, '"');
}

void json_key_str(struct json_writer *w, str key)
{
    assert(w->depth > 0 && !(w->is_array & bit(w->depth)) && !w->after_key);
    if (w->has_item & bit(w->depth)) {
        (void)buf_put_char(w->out, ',');
    }
    w->has_item |= bit(w->depth);
    put_quoted(w->out, key);
    (void)buf_put_char(w->out, ':');
    w->after_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_str(w, str_of(key));
}

void json_string(struct json_writer *w, str s)
{
    before_value(w);
    put_quoted(w->out, s);
}

void json_cstring(struct json_writer *w, const char *s)
{
    if (s) {
        json_string(w, str_of(s));
    } else {
        json_null(w);
    }
}

void json_int(struct json_writer *w, int64_t v)
{
    before_value(w);
    (void)buf_put_i64(w->out, v);
}

void json_uint(struct json_writer *w, uint64_t v)
{
    before_value(w);
    (void)buf_put_u64(w->out, v);
}

void json_double(struct json_writer *w, double v)
{
    if (!isfinite(v)) {
        json_null(w);
        return;
    }
    before_value(w);
    char text[40];
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text - 2, "%.*g", digits, v);
        if (strtod(text, NULL) == v) {
            break;
        }
    }
    assert(n > 0 && (size_t)n < sizeof text - 2);
    bool looks_whole = true;
    for (int i = 0; i < n; i++) {
        if (text[i] == 'e' || text[i] == 'E') {
            looks_whole = false;
        } else if (!ascii_is_digit(text[i]) && text[i] != '-' && text[i] != '+') {
            text[i] = '.'; /* whatever the locale writes */
            looks_whole = false;
        }
    }
    if (looks_whole) {
        memcpy(text + n, ".0", 2);
        n += 2;
    }
    (void)buf_put(w->out, text, (size_t)n);
}

void json_bool(struct json_writer *w, bool v)
{
    before_value(w);
    (void)buf_puts(w->out, v ? "true" : "false");
}

void json_null(struct json_writer *w)
{
    before_value(w);
    (void)buf_put(w->out, "null", 4);
}

void json_raw(struct json_writer *w, str json)
{
    before_value(w);
    (void)buf_put_str(w->out, json);
}

void json_raw_members(struct json_writer *w, str members)
{
    assert(w->depth > 0 && !(w->is_array & bit(w->depth)) && !w->after_key && members.len);
    if (w->has_item & bit(w->depth)) {
        (void)buf_put_char(w->out, ',');
    }
    w->has_item |= bit(w->depth);
    (void)buf_put_str(w->out, members);
}
