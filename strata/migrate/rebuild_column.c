/* Edits of a table's columns. */
#include "strata/migrate/rebuild.h"

st_err rebuild_note_value(struct rebuild *r, const char *column, const char *expr)
{
    for (size_t i = 0; i < r->n_values; i++) {
        if (lite_same_name(r->values[i].column, column)) {
            if (r->values[i].expr && !r->values[i].added) { /* one that is new stays so */
                r->values[i].expr = expr;
            }
            return 0;
        }
    }
    st_err rc = migrate_grow(r->a, &r->values, r->n_values, &r->values_room, sizeof *r->values);
    if (!rc) {
        r->values[r->n_values++] = (struct rebuild_value){column, expr, false};
    }
    return rc;
}

st_err rebuild_add_column(struct rebuild *r, const st_table_column *c)
{
    const char *text;
    REBUILD_SPELL(r, text, {
        buf_puts(&b, ", ");
        ddl_ident(&b, c->name);
        buf_put_char(&b, ' ');
        st_err rc = ddl_column(&b, ST_SQLITE, r->table, c, r->a);
        b.err = b.err ? b.err : rc;
    });
    if (!text) {
        return diag_nomem();
    }
    const char *value = NULL;
    if (c->default_sql && !c->generated) {
        REBUILD_SPELL(r, value, ddl_default(&b, ST_SQLITE, c));
        if (!value) {
            return diag_nomem();
        }
    }
    st_err rc = c->generated ? 0 : rebuild_note_value(r, c->name, value);
    if (!rc && value) {
        r->values[r->n_values - 1].added = true;
    }
    rc = rc ? rc : rebuild_splice(r, rebuild_end(r, r->t.columns[r->t.n_columns - 1].text), 0, text);
    return rc ? rc : rebuild_loosen(r, c);
}

static bool has_name(const char *const *names, size_t n, const char *name)
{
    bool has = false;
    for (size_t i = 0; i < n && !has; i++) {
        has = lite_same_name(names[i] + (names[i][0] == '-'), name);
    }
    return has;
}

static bool constraint_names(const struct lite_constraint *c, const char *column)
{
    return has_name(c->columns, c->n_columns, column) || lite_mentions(c->expr, column);
}

/* What an index is about: behind its first bracket. */
static bool index_names(const char *sql, const char *column)
{
    str text = str_of(sql);
    size_t at = 0;
    struct lite_token t;
    do {
        t = lite_next(text, &at);
    } while (t.kind != LITE_END && t.kind != LITE_BAD && !lite_is(t, "("));
    return lite_mentions(str_from(text, at), column);
}

bool rebuild_column_is_bound(const struct rebuild *r, const char *name)
{
    bool bound = false;
    for (size_t i = 0; i < r->t.n_columns && !bound; i++) {
        const struct lite_column *c = &r->t.columns[i];
        bool mine = lite_same_name(c->name, name);
        for (size_t j = 0; j < c->n_constraints && !bound; j++) {
            enum lite_kind kind = c->constraints[j].kind;
            bound = mine ? kind == LITE_PRIMARY_KEY || kind == LITE_UNIQUE || kind == LITE_FOREIGN_KEY
                         : constraint_names(&c->constraints[j], name);
        }
    }
    for (size_t i = 0; i < r->t.n_constraints && !bound; i++) {
        bound = constraint_names(&r->t.constraints[i], name);
    }
    for (size_t i = 0; i < r->n_objects && !bound; i++) {
        bound = lite_mentions(str_of(r->objects[i].sql), name);
    }
    return bound || r->t.n_columns == 1;
}

st_err rebuild_no_column(const struct rebuild *r, const char *name)
{
    return diag_set(ST_E_SCHEMA, "table %s has no column %s", r->table, name);
}

/* CHECKs and keys that name the column, here or behind the columns. *ret_again: one has gone, look again. */
static st_err drop_one_that_names(struct rebuild *r, const char *name, bool *ret_again)
{
    *ret_again = true;
    for (size_t i = 0; i < r->t.n_constraints; i++) {
        if (constraint_names(&r->t.constraints[i], name)) {
            return rebuild_remove_part(r, r->t.constraints[i].text);
        }
    }
    for (size_t i = 0; i < r->t.n_columns; i++) {
        const struct lite_column *c = &r->t.columns[i];
        for (size_t j = 0; j < c->n_constraints; j++) {
            if (c->constraints[j].kind == LITE_CHECK && lite_mentions(c->constraints[j].expr, name)) {
                return rebuild_remove_inline(r, c->constraints[j].text);
            }
        }
    }
    *ret_again = false;
    return 0;
}

st_err rebuild_drop_column(struct rebuild *r, const char *name)
{
    const struct lite_column *c = lite_column(&r->t, name);
    if (!c || r->t.n_columns == 1) {
        return c ? diag_set(ST_E_INVALID, "table %s: %s is its only column; drop the table", r->table, name)
                 : rebuild_no_column(r, name);
    }
    st_err rc = rebuild_remove_part(r, c->text);
    for (bool again = true; !rc && again;) {
        rc = drop_one_that_names(r, name, &again);
    }
    for (size_t i = 0; !rc && i < r->t.n_columns; i++) {
        for (size_t j = 0; j < r->t.columns[i].n_constraints; j++) {
            const struct lite_constraint *k = &r->t.columns[i].constraints[j];
            if (k->kind == LITE_GENERATED && lite_mentions(k->expr, name)) {
                return diag_set(ST_E_INVALID, "table %s: column %s is computed from %s; drop it first", r->table,
                                r->t.columns[i].name, name);
            }
        }
    }
    for (size_t i = 0; i < r->n_objects; i++) {
        r->objects[i].gone =
            r->objects[i].gone || (strcmp(r->objects[i].kind, "index") == 0 && index_names(r->objects[i].sql, name));
    }
    return rc;
}
