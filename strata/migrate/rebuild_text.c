/* Editing the text of a table. */
#include <assert.h>

#include "strata/migrate/rebuild.h"

size_t rebuild_at(const struct rebuild *r, str part)
{
    assert(part.p >= r->t.text.p && part.p + part.len <= r->t.text.p + r->t.text.len);
    return (size_t)(part.p - r->t.text.p);
}

size_t rebuild_end(const struct rebuild *r, str part)
{
    return rebuild_at(r, part) + part.len;
}

st_err rebuild_splice(struct rebuild *r, size_t from, size_t len, const char *with)
{
    str text = r->t.text;
    assert(from + len <= text.len);
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    buf_put(&b, text.p, from);
    buf_puts(&b, with);
    buf_put_str(&b, str_from(text, from + len));
    const char *copy = migrate_text(r->a, &b);
    return copy ? lite_table_read(r->a, str_of(copy), &r->t) : diag_nomem();
}

/* Where the part before the one at from ends; 0: there is none. */
static size_t end_before(const struct rebuild *r, size_t from)
{
    size_t end = 0;
    for (size_t i = 0; i < r->t.n_columns && rebuild_at(r, r->t.columns[i].text) < from; i++) {
        end = rebuild_end(r, r->t.columns[i].text);
    }
    for (size_t i = 0; i < r->t.n_constraints && rebuild_at(r, r->t.constraints[i].text) < from; i++) {
        end = rebuild_end(r, r->t.constraints[i].text);
    }
    return end;
}

/* Behind a comma: a comment that ends the line belongs to what stood before it. */
static size_t end_of_remark(str s)
{
    ptrdiff_t line = str_find_char(s, '\n');
    size_t at = 0;
    struct lite_token first = lite_next(s, &at);
    size_t gap = (size_t)(first.text.p - s.p);
    str remark = line < 0 ? (str){NULL, 0} : str_trim(str_n(s.p, (size_t)line));
    return line >= 0 && (size_t)line < gap && remark.len ? (size_t)line + 1 : 0;
}

st_err rebuild_remove_part(struct rebuild *r, str part)
{
    str text = r->t.text;
    size_t from = rebuild_at(r, part), end = rebuild_end(r, part), after = end, comma;
    struct lite_token next = lite_next(text, &after);
    size_t before = end_before(r, from);
    if (before == 0) { /* the first: with the comma behind it */
        return rebuild_splice(r, from, (lite_is(next, ",") ? after : end) - from, "");
    }
    comma = before;
    struct lite_token t = lite_next(text, &comma);
    if (!lite_is(t, ",") || !(lite_is(next, ",") || lite_is(next, ")"))) {
        return rebuild_splice(r, from, end - from, ""); /* constraints need no commas between them */
    }
    size_t keep = end_of_remark(str_n(text.p + comma, from - comma));
    const char *remark = arena_memdup0(r->a, text.p + comma, keep);
    return remark ? rebuild_splice(r, comma - 1, end - (comma - 1), remark) : diag_nomem();
}

st_err rebuild_remove_inline(struct rebuild *r, str constraint)
{
    size_t from = rebuild_at(r, constraint), end = rebuild_end(r, constraint);
    while (from > 0 && r->t.text.p[from - 1] == ' ') {
        from--;
    }
    char next = end < r->t.text.len ? r->t.text.p[end] : 0; /* "INT CHECK (x)NOT NULL" */
    return rebuild_splice(r, from, end - from, next && strchr(" \t\r\n,)", next) ? "" : " ");
}

st_err rebuild_append(struct rebuild *r, const char *constraint)
{
    size_t n = r->t.n_constraints;
    str last = n ? r->t.constraints[n - 1].text : r->t.columns[r->t.n_columns - 1].text;
    const char *text = arena_printf(r->a, ",\n    %s", constraint);
    return text ? rebuild_splice(r, rebuild_end(r, last), 0, text) : diag_nomem();
}

st_err rebuild_loosen(struct rebuild *r, const st_table_column *c)
{
    if (!r->t.strict || ddl_strict_takes(c)) {
        return 0;
    }
    str options = r->t.options;
    return rebuild_splice(r, rebuild_at(r, options), options.len, r->t.without_rowid ? " WITHOUT ROWID" : "");
}
