#include "strata/migrate/index_part.h"

#include <assert.h>
#include <errno.h>

#include "strata/migrate/sql_text.h"
#include "strata/model/key.h"

/* From the first token to the end of the last. */
static str span(struct sql_token first, struct sql_token last)
{
    return str_n(first.text.p, (size_t)(last.text.p - first.text.p) + last.text.len);
}

/* A quoted one that is closed has an even number of its quotes. */
static bool is_name(struct sql_token t)
{
    if (t.kind != SQL_NAME) {
        return t.kind == SQL_WORD;
    }
    bool even = true;
    for (size_t i = 0; i < t.text.len; i++) {
        even ^= t.text.p[i] == t.text.p[0];
    }
    return t.text.p[0] == '[' ? t.text.p[t.text.len - 1] == ']' : even;
}

/* x, "x" or x.y; *ret_last is the last token of it. False when there is none. */
static bool take_name(struct sql_reader *r, struct sql_token *ret_first, struct sql_token *ret_last)
{
    *ret_first = *ret_last = sql_next(r);
    struct sql_reader at = *r;
    if (is_name(*ret_first) && sql_is(sql_next(&at), ".")) {
        *ret_last = sql_next(&at);
        *r = at;
    }
    return is_name(*ret_last);
}

static bool is_sqlite_collation(str name)
{
    return str_eq_nocase(name, STR("nocase")) || str_eq_nocase(name, STR("rtrim")) ||
           str_eq_nocase(name, STR("binary"));
}

static bool take_collation(struct sql_reader *r, enum st_dialect by, struct index_part *ret)
{
    struct sql_token first, last;
    if (!take_name(r, &first, &last)) {
        return false;
    }
    str name = span(first, last);
    bool sqlite = by == ST_SQLITE || (!by && is_sqlite_collation(name));
    str *place = sqlite ? &ret->sqlite : &ret->postgresql;
    bool ok = !place->len;
    *place = name;
    return ok;
}

/* With the parameters behind it, if there are any. */
static bool take_ops(struct sql_reader *r, struct index_part *ret)
{
    struct sql_token first, last;
    if (ret->ops.len || !take_name(r, &first, &last)) {
        return false;
    }
    struct sql_reader at = *r;
    size_t depth = sql_is(sql_next(&at), "(");
    *r = depth ? at : *r;
    while (depth && last.kind != SQL_END) {
        last = sql_next(r);
        depth += sql_is(last, "(");
        depth -= sql_is(last, ")");
    }
    ret->ops = last.kind == SQL_END ? (str){NULL, 0} : span(first, last);
    return last.kind != SQL_END;
}

bool index_part_read(str how, enum st_dialect by, struct index_part *ret)
{
    struct sql_reader r = {.rest = how, .brackets = by == ST_SQLITE, .postgresql = by != ST_SQLITE};
    *ret = (struct index_part){.nulls = 0};
    for (bool ordered = false;;) {
        struct sql_reader at = r;
        struct sql_token t = sql_next(&at);
        bool direction = sql_is(t, "asc") || sql_is(t, "desc"), ok = true;
        if (t.kind == SQL_END) {
            return true;
        }
        if (sql_is(t, "collate")) {
            r = at;
            ok = take_collation(&r, by, ret);
        } else if (sql_is(t, "nulls")) {
            struct sql_token which = sql_next(&at);
            ok = !ret->nulls && (sql_is(which, "first") || sql_is(which, "last"));
            ret->nulls = sql_is(which, "first") ? 'f' : 'l';
            r = at;
        } else if (direction) {
            ok = by && !ordered;
            ordered = true;
            ret->descends = sql_is(t, "desc");
            r = at;
        } else {
            ok = take_ops(&r, ret);
        }
        if (!ok) {
            return false;
        }
    }
}

static void word(buf *b, const char *before, str s)
{
    if (s.len) {
        buf_puts(b, b->len ? " " : "");
        buf_puts(b, before);
        buf_put_str(b, s);
    }
}

const char *index_part_write(arena *a, const struct index_part *p)
{
    buf b BUF_AUTO;
    buf_init(&b, 4096);
    word(&b, "collate ", p->sqlite);
    if (is_sqlite_collation(p->postgresql)) { /* bare, it would be SQLite's */
        buf_printf(&b, "%scollate \"%.*s\"", b.len ? " " : "", STR_FMT(p->postgresql));
    } else {
        word(&b, "collate ", p->postgresql);
    }
    word(&b, "", p->ops);
    word(&b, "nulls ", p->nulls == 'f' ? STR("first") : p->nulls ? STR("last") : (str){NULL, 0});
    return migrate_text(a, &b);
}

void index_part_ddl(buf *b, enum st_dialect d, const char *column, const char *how)
{
    struct index_part p;
    bool down = column[0] == '-', read = index_part_read(str_of(how), (enum st_dialect)0, &p);
    assert(read); /* index_parts_copy saw to it */
    if (index_is_expression(column)) {
        buf_puts(b, column + down);
    } else {
        ddl_ident(b, column + down);
    }
    str collation = d == ST_SQLITE ? p.sqlite : p.postgresql;
    if (read && collation.len) {
        buf_printf(b, " COLLATE %.*s", STR_FMT(collation));
    }
    if (read && p.ops.len && d == ST_POSTGRESQL) {
        buf_printf(b, " %.*s", STR_FMT(p.ops));
    }
    buf_puts(b, down ? " DESC" : "");
    if (read && p.nulls && d == ST_POSTGRESQL) {
        buf_puts(b, p.nulls == 'f' ? " NULLS FIRST" : " NULLS LAST");
    }
}

static st_err wrong(const char *table, const char *index, str column, str how)
{
    diag_set(ST_E_INVALID, "table %s: the index %s says \"%.*s\" of %.*s, which no index says of a column", table,
             index ? index : "without a name", STR_FMT(how), STR_FMT(column));
    diag_hint("behind the name may stand: an operator class, nulls first, nulls last, and collate with a collation; a "
              "descending column is \"-name\", and a name with a blank in it wants .how");
    return ST_E_INVALID;
}

/* Of a constraint PostgreSQL takes columns only. */
static st_err check_constraint(const char *table, const st_table_index *i, const char *column,
                               const struct index_part *p)
{
    if (!i->constraint || !(p->postgresql.len || p->ops.len || p->nulls || column[0] == '-')) {
        return 0;
    }
    diag_set(ST_E_INVALID,
             "table %s: a constraint is over plain columns, in no order of its own; that on %s says more of it", table,
             column + (column[0] == '-'));
    diag_hint("make it a unique index: INDEX_ON with .unique in a model, no .constraint in a revision");
    return ST_E_INVALID;
}

/* "-name nulls last" as "-name" and "nulls last". */
static st_err copy_part(arena *a, const char *table, const st_table_index *i, size_t at, st_table_index *ret)
{
    const char *entry = i->columns[at], *s = entry + (entry[0] == '-'), *how = i->how[at];
    size_t len = strlen(s);
    if (index_is_expression(entry)) {
        len = st_key_brackets(s);
        if (!len) {
            return diag_set(ST_E_INVALID, "table %s: a bracket of the expression \"%s\" of the index %s does not close",
                            table, s, i->name ? i->name : "without a name");
        }
    } else if (!how) {
        len = 0;
        while (s[len] && !ascii_is_space(s[len])) {
            len++;
        }
    }
    struct index_part p;
    str said = how ? str_of(how) : str_trim(str_of(s + len));
    if ((how && s[len]) || !index_part_read(said, (enum st_dialect)0, &p)) {
        return wrong(table, i->name, str_n(s, len), said.len ? said : str_of(s + len));
    }
    st_err rc = check_constraint(table, i, entry, &p);
    ret->columns[at] = arena_printf(a, "%.*s", (int)(s + len - entry), entry);
    ret->how[at] = index_part_write(a, &p);
    return rc ? rc : ret->columns[at] && ret->how[at] ? 0 : diag_nomem();
}

st_err index_parts_copy(arena *a, const char *table, const st_table_index *i, st_table_index *ret)
{
    st_err rc = 0;
    bool ok = true;
    memset(ret->how, 0, sizeof ret->how);
    for (size_t k = 0; !rc && k < migrate_key_len(i->columns); k++) {
        rc = copy_part(a, table, i, k, ret);
    }
    for (size_t k = 0; !rc && k < ST_KEY_MAX; k++) {
        ret->include[k] = migrate_copy_text(a, i->include[k], &ok);
    }
    ret->with = migrate_copy_text(a, i->with, &ok);
    return rc ? rc : ok ? 0 : diag_nomem();
}

bool index_has_expression(const st_table_index *i)
{
    bool has = i->expression != NULL;
    for (size_t k = 0; k < migrate_key_len(i->columns); k++) {
        has |= index_is_expression(i->columns[k]);
    }
    return has;
}
