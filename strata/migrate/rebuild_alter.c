/* ALTER COLUMN as edits of the column's text: what both sides say the same is not touched. */
#include "strata/migrate/rebuild.h"

static bool same(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

static const struct lite_constraint *part_of(const struct lite_column *c, enum lite_kind kind)
{
    for (size_t i = 0; i < c->n_constraints; i++) {
        if (c->constraints[i].kind == kind) {
            return &c->constraints[i];
        }
    }
    return NULL;
}

/* Behind the type and what stands between it and the CHECKs when we spell a column, up to kind. */
static size_t place_for(const struct rebuild *r, const struct lite_column *c, enum lite_kind kind)
{
    static const enum lite_kind order[] = {LITE_NOT_NULL, LITE_DEFAULT, LITE_GENERATED};
    size_t at = c->type.len ? rebuild_end(r, c->type) : 0;
    if (!at) {
        size_t first = 0;
        at = rebuild_at(r, c->text) + (size_t)(lite_next(c->text, &first).text.len);
    }
    for (size_t i = 0; i < sizeof order / sizeof *order && order[i] != kind; i++) {
        const struct lite_constraint *k = part_of(c, order[i]);
        at = k && rebuild_end(r, k->text) > at ? rebuild_end(r, k->text) : at;
    }
    return at;
}

/* Makes the column say text (" NOT NULL", ...), or nothing, in the place of what it says of that kind. */
static st_err set_part(struct rebuild *r, const char *column, enum lite_kind kind, const char *text)
{
    const struct lite_column *c = lite_column(&r->t, column);
    const struct lite_constraint *k = c ? part_of(c, kind) : NULL;
    st_err rc = c ? 0 : rebuild_no_column(r, column);
    if (!rc && k) {
        rc = rebuild_remove_inline(r, k->text);
        c = lite_column(&r->t, column);
    }
    return rc || !text || !c ? rc : rebuild_splice(r, place_for(r, c, kind), 0, text);
}

static st_err set_type(struct rebuild *r, const char *column, const char *type)
{
    const struct lite_column *c = lite_column(&r->t, column);
    if (!c) {
        return rebuild_no_column(r, column);
    }
    if (c->type.len) {
        return rebuild_splice(r, rebuild_at(r, c->type), c->type.len, type);
    }
    const char *text = arena_printf(r->a, " %s", type);
    return text ? rebuild_splice(r, place_for(r, c, LITE_NOT_NULL), 0, text) : diag_nomem();
}

/* The CHECK of that name, or the one that says the same under another name, as a table has that was renamed. */
static const struct lite_constraint *find_check(const struct rebuild *r, const struct lite_column *c,
                                                const struct ddl_check *check, bool *ret_inline)
{
    for (int by_name = 1; by_name >= 0; by_name--) {
        for (size_t i = 0; i < c->n_constraints + r->t.n_constraints; i++) {
            const struct lite_constraint *k =
                i < c->n_constraints ? &c->constraints[i] : &r->t.constraints[i - c->n_constraints];
            bool is = by_name ? k->known_as && lite_same_name(k->known_as, check->name)
                              : str_eq(str_trim(k->expr), str_of(check->sql));
            if (k->kind == LITE_CHECK && is) {
                *ret_inline = i < c->n_constraints;
                return k;
            }
        }
    }
    return NULL;
}

static st_err drop_check(struct rebuild *r, const char *column, const struct ddl_check *check)
{
    const struct lite_column *c = lite_column(&r->t, column);
    bool in_column = false;
    const struct lite_constraint *k = c ? find_check(r, c, check, &in_column) : NULL;
    if (!k) {
        return diag_set(ST_E_SCHEMA, "table %s: column %s has no CHECK %s (%.200s) to change", r->table, column,
                        check->name, check->sql);
    }
    return in_column ? rebuild_remove_inline(r, k->text) : rebuild_remove_part(r, k->text);
}

static bool has_check(const struct ddl_check *v, size_t n, const struct ddl_check *c)
{
    bool has = false;
    for (size_t i = 0; i < n && !has; i++) {
        has = same(v[i].name, c->name) && same(v[i].sql, c->sql);
    }
    return has;
}

static st_err alter_checks(struct rebuild *r, const st_table_column *was, const st_table_column *is)
{
    struct ddl_check old[DDL_CHECKS_MAX], new[DDL_CHECKS_MAX];
    size_t n_old, n_new;
    st_err rc = ddl_checks(ST_SQLITE, r->table, was, r->a, old, &n_old);
    rc = rc ? rc : ddl_checks(ST_SQLITE, r->table, is, r->a, new, &n_new);
    for (size_t i = 0; !rc && i < n_old; i++) {
        rc = has_check(new, n_new, &old[i]) ? 0 : drop_check(r, is->name, &old[i]);
    }
    for (size_t i = 0; !rc && i < n_new; i++) {
        if (has_check(old, n_old, &new[i])) {
            continue;
        }
        const struct lite_column *c = lite_column(&r->t, is->name);
        if (!c) {
            return rebuild_no_column(r, is->name);
        }
        bool in_column = false;
        const struct lite_constraint *before = i ? find_check(r, c, &new[i - 1], &in_column) : NULL;
        size_t at = before && in_column ? rebuild_end(r, before->text) : place_for(r, c, LITE_CHECK);
        const char *text;
        REBUILD_SPELL(r, text, {
            buf_put_char(&b, ' ');
            ddl_check(&b, &(const st_table_check){new[i].name, new[i].sql, false});
        });
        rc = text ? rebuild_splice(r, at, 0, text) : diag_nomem();
    }
    return rc;
}

static st_err alter_default(struct rebuild *r, const st_table_column *was, const st_table_column *is)
{
    const char *text = NULL;
    if (same(was->default_sql, is->default_sql) && was->type == is->type && was->as_smallint == is->as_smallint) {
        return 0;
    }
    if (is->default_sql) {
        REBUILD_SPELL(r, text, {
            buf_puts(&b, " DEFAULT ");
            ddl_default(&b, ST_SQLITE, is);
        });
        if (!text) {
            return diag_nomem();
        }
    }
    return set_part(r, is->name, LITE_DEFAULT, text);
}

static st_err alter_generated(struct rebuild *r, const st_table_column *was, const st_table_column *is)
{
    if (same(was->generated, is->generated)) {
        return 0;
    }
    const char *text = NULL;
    if (is->generated) {
        text = arena_printf(r->a, " GENERATED ALWAYS AS (%s) STORED", is->generated);
        if (!text) {
            return diag_nomem();
        }
    }
    return set_part(r, is->name, LITE_GENERATED, text);
}

static st_err alter_identity(struct rebuild *r, const st_table_column *is)
{
    const struct lite_column *c = lite_column(&r->t, is->name);
    for (size_t i = 0; c && i < c->n_constraints + r->t.n_constraints; i++) {
        const struct lite_constraint *k =
            i < c->n_constraints ? &c->constraints[i] : &r->t.constraints[i - c->n_constraints];
        bool alone = k->n_columns == 1 && lite_same_name(k->columns[0] + (k->columns[0][0] == '-'), is->name);
        if (k->kind != LITE_PRIMARY_KEY || !alone) {
            continue;
        }
        if (k->autoincrement == is->identity) {
            return 0;
        }
        if (is->identity) {
            return rebuild_splice(r, rebuild_end(r, k->text) - (i < c->n_constraints ? 0 : 1), 0, " AUTOINCREMENT");
        }
        size_t at = 0;
        struct lite_token t;
        do {
            t = lite_next(k->text, &at);
        } while (!lite_is(t, "autoincrement") && t.kind != LITE_END);
        return rebuild_remove_inline(r, t.text);
    }
    return diag_set(ST_E_INVALID,
                    "table %s: SQLite numbers only the one column of a primary key, so %s can have no "
                    ".identity",
                    r->table, is->name);
}

/* Bytes are neither text nor numbers to a STRICT table; for all else SQLite converts what it can, and refuses the rest.
 */
static const char *cast_of(struct rebuild *r, const st_table_column *c, const char *from, const char *to)
{
    const char *text = NULL;
    bool bytes = str_eq_nocase(str_of(from), STR("BLOB")) || str_eq_nocase(str_of(to), STR("BLOB"));
    REBUILD_SPELL(r, text, {
        buf_puts(&b, bytes ? "CAST(" : "");
        ddl_ident(&b, c->name);
        buf_printf(&b, bytes ? " AS %s)" : "%.0s", to);
    });
    return text;
}

st_err rebuild_alter_column(struct rebuild *r, const st_table_column *was, const st_table_column *is,
                            const char *convert)
{
    const char *old_type, *type;
    REBUILD_SPELL(r, old_type, ddl_type(&b, ST_SQLITE, was));
    REBUILD_SPELL(r, type, ddl_type(&b, ST_SQLITE, is));
    if (!old_type || !type) {
        return diag_nomem();
    }
    st_err rc = lite_column(&r->t, is->name) ? 0 : rebuild_no_column(r, is->name);
    bool retype = strcmp(old_type, type) != 0;
    if (!rc && (retype || convert) && !is->generated) {
        const char *value = convert ? convert : cast_of(r, is, old_type, type);
        rc = value ? rebuild_note_value(r, is->name, value) : diag_nomem();
    }
    rc = rc || !retype ? rc : set_part(r, is->name, LITE_COLLATE, NULL); /* a part of such a type */
    rc = rc || !retype ? rc : set_type(r, is->name, type);
    rc = rc || !retype ? rc : rebuild_loosen(r, is);
    if (!rc && was->nullable != is->nullable) {
        rc = set_part(r, is->name, LITE_NOT_NULL, is->nullable ? NULL : " NOT NULL");
    }
    rc = rc ? rc : alter_default(r, was, is);
    rc = rc ? rc : alter_generated(r, was, is);
    rc = rc ? rc : alter_checks(r, was, is);
    return rc || was->identity == is->identity ? rc : alter_identity(r, is);
}
