/* Edits of a table's constraints. */
#include "strata/migrate/rebuild.h"

static bool is_kind(const struct lite_constraint *k, enum st_constraint kind)
{
    switch (kind) {
    case ST_C_CHECK:
        return k->kind == LITE_CHECK;
    case ST_C_UNIQUE:
        return k->kind == LITE_UNIQUE;
    case ST_C_FK:
        return k->kind == LITE_FOREIGN_KEY;
    case ST_C_PRIMARY_KEY:
        return k->kind == LITE_PRIMARY_KEY;
    case ST_C_EXCLUDE:
        return false;
    }
    return false;
}

/* The constraint called that, or the primary key; *ret_column when it stands with one. */
static const struct lite_constraint *find(const struct rebuild *r, enum st_constraint kind, const char *name,
                                          const struct lite_column **ret_column)
{
    bool any = kind == ST_C_PRIMARY_KEY;
    *ret_column = NULL;
    for (size_t i = 0; i < r->t.n_constraints; i++) {
        const struct lite_constraint *k = &r->t.constraints[i];
        if (is_kind(k, kind) && (any || lite_same_name(k->known_as, name))) {
            return k;
        }
    }
    for (size_t i = 0; i < r->t.n_columns; i++) {
        for (size_t j = 0; j < r->t.columns[i].n_constraints; j++) {
            const struct lite_constraint *k = &r->t.columns[i].constraints[j];
            if (is_kind(k, kind) && (any || lite_same_name(k->known_as, name))) {
                *ret_column = &r->t.columns[i];
                return k;
            }
        }
    }
    return NULL;
}

static st_err remove_constraint(struct rebuild *r, const struct lite_constraint *k, bool in_column)
{
    return in_column ? rebuild_remove_inline(r, k->text) : rebuild_remove_part(r, k->text);
}

static st_err not_found(const struct rebuild *r, enum st_constraint kind, const char *name)
{
    static const char *const kinds[] = {[ST_C_CHECK] = "CHECK",
                                        [ST_C_UNIQUE] = "unique constraint",
                                        [ST_C_FK] = "foreign key",
                                        [ST_C_PRIMARY_KEY] = "primary key",
                                        [ST_C_EXCLUDE] = "EXCLUDE"};
    return diag_set(ST_E_SCHEMA, "table %s has no %s called %s", r->table, kinds[kind], name);
}

/* [NOT] DEFERRABLE that stands apart from the key of a column that it is about: "a REFERENCES t NOT NULL DEFERRABLE".
 */
static const struct lite_constraint *apart(const struct rebuild *r, const struct lite_constraint *fk)
{
    bool about = false;
    for (size_t i = 0; i < r->t.n_columns; i++) {
        for (size_t j = 0; j < r->t.columns[i].n_constraints; j++) {
            const struct lite_constraint *k = &r->t.columns[i].constraints[j];
            about = k->kind == LITE_FOREIGN_KEY ? k == fk : about;
            if (about && k->kind == LITE_NOTHING && k->deferral.len) {
                return k;
            }
        }
    }
    return NULL;
}

/* The foreign key, with what it says all in one place; NULL when there is none. */
static st_err find_whole(struct rebuild *r, const char *name, const struct lite_constraint **ret)
{
    const struct lite_column *column;
    st_err rc = 0;
    for (;;) {
        *ret = find(r, ST_C_FK, name, &column);
        const struct lite_constraint *words = *ret && column ? apart(r, *ret) : NULL;
        if (!words || rc) {
            return rc;
        }
        rc = rebuild_remove_inline(r, words->text);
    }
}

st_err rebuild_defer(struct rebuild *r, const char *fk, enum st_deferral is)
{
    const struct lite_constraint *k;
    st_err rc = find_whole(r, fk, &k);
    if (rc || !k) {
        return rc ? rc : not_found(r, ST_C_FK, fk);
    }
    if (!is) {
        return k->deferral.len ? rebuild_remove_inline(r, k->deferral) : 0;
    }
    size_t end = rebuild_end(r, k->text);
    bool tight = end < r->t.text.len && !strchr(" \t\r\n,)", r->t.text.p[end]);
    const char *words;
    REBUILD_SPELL(r, words, ddl_deferral(&b, is); buf_puts(&b, tight ? " " : ""));
    if (!words) {
        return diag_nomem();
    }
    return k->deferral.len ? rebuild_splice(r, rebuild_at(r, k->deferral), k->deferral.len, words + 1)
                           : rebuild_splice(r, end, 0, words);
}

st_err rebuild_drop_constraint(struct rebuild *r, enum st_constraint kind, const char *name)
{
    const struct lite_column *column;
    const struct lite_constraint *k = NULL;
    st_err rc = kind == ST_C_FK ? find_whole(r, name, &k) : 0;
    if (rc) {
        return rc;
    }
    k = find(r, kind, name, &column);
    return k ? remove_constraint(r, k, column != NULL) : not_found(r, kind, name);
}

st_err rebuild_rename_constraint(struct rebuild *r, enum st_constraint kind, const char *name, const char *to)
{
    const struct lite_column *column;
    const struct lite_constraint *k = find(r, kind, name, &column);
    if (!k) {
        return not_found(r, kind, name);
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    if (!k->name) {
        buf_puts(&b, "CONSTRAINT ");
        ddl_ident(&b, to);
        buf_put_char(&b, ' ');
        return b.err ? diag_nomem() : rebuild_splice(r, rebuild_at(r, k->text), 0, b.p);
    }
    size_t at = 0;
    (void)lite_next(k->text, &at);
    str old = lite_next(k->text, &at).text;
    ddl_ident(&b, to);
    return b.err ? diag_nomem() : rebuild_splice(r, rebuild_at(r, old), old.len, b.p);
}

/* As PostgreSQL does for the columns of a primary key. */
static st_err forbid_null(struct rebuild *r, const char *name)
{
    const struct lite_column *c = lite_column(&r->t, name);
    if (!c) {
        return diag_set(ST_E_SCHEMA, "table %s has no column %s for its primary key", r->table, name);
    }
    for (size_t i = 0; i < c->n_constraints; i++) {
        if (c->constraints[i].kind == LITE_NOT_NULL) {
            return 0;
        }
    }
    size_t first = 0;
    size_t at = c->type.len ? rebuild_end(r, c->type) : rebuild_at(r, c->text) + lite_next(c->text, &first).text.len;
    return rebuild_splice(r, at, 0, " NOT NULL");
}

static st_err put_key(struct rebuild *r, const char *constraint)
{
    str last = r->t.columns[r->t.n_columns - 1].text;
    const char *text = arena_printf(r->a, ",\n    %s", constraint);
    return text ? rebuild_splice(r, rebuild_end(r, last), 0, text) : diag_nomem();
}

/* In the place of the old key, and under its name, when that stands behind the columns. */
st_err rebuild_change_key(struct rebuild *r, const char *const *columns)
{
    const struct lite_column *column;
    const struct lite_constraint *old = find(r, ST_C_PRIMARY_KEY, NULL, &column);
    if (!columns) {
        return old ? remove_constraint(r, old, column != NULL) : 0;
    }
    const char *name = old && old->name ? old->name : migrate_name(r->a, r->table, NULL, NULL, "pkey");
    size_t n = 0;
    while (columns[n]) {
        n++;
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    if (!name) {
        return diag_nomem();
    }
    buf_puts(&b, "CONSTRAINT ");
    ddl_ident(&b, name);
    buf_puts(&b, " PRIMARY KEY ");
    ddl_columns(&b, columns, n);
    if (b.err) {
        return diag_nomem();
    }
    st_err rc;
    if (old && !column) {
        rc = rebuild_splice(r, rebuild_at(r, old->text), old->text.len, b.p);
    } else {
        rc = old ? rebuild_remove_inline(r, old->text) : 0;
        rc = rc ? rc : put_key(r, b.p);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        rc = forbid_null(r, columns[i]);
    }
    return rc;
}
