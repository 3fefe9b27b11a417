#include <assert.h>
#include <errno.h>

#include "strata/query/statement.h"

static void put_numbers_of(struct st_pen *p, const uint32_t *columns, size_t n)
{
    st_shape_u32(p, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        st_shape_u32(p, columns[i]);
    }
}

static bool is_among(const uint32_t *columns, size_t n, uint32_t column)
{
    for (size_t i = 0; i < n; i++) {
        if (columns[i] == column) {
            return true;
        }
    }
    return false;
}

static void put_source(struct st_pen *p, const st_mapper *m)
{
    if (!st_is_pg(p)) {
        st_put(p, " VALUES (");
        for (uint32_t i = 0; i < m->n_columns; i++) {
            st_put(p, i ? ", " : "");
            st_put_number(p, i + 1);
        }
        st_put(p, ")");
        return;
    }
    char name[24];
    for (uint32_t i = 0; i < m->n_columns; i++) {
        (void)snprintf(name, sizeof name, "\"r\".\"%u\"", i);
        st_put(p, i ? ", " : " SELECT ");
        st_put(p, name);
        st_put(p, st_bulk_cast(&m->shape.fields[i]));
        if (m->columns[i].attr->enum_type) {
            st_put(p, "::");
            st_put_name(p, m->columns[i].attr->enum_type);
        }
    }
    st_put(p, " FROM unnest(");
    for (uint32_t i = 0; i < m->n_columns; i++) {
        st_put(p, i ? ", " : "");
        st_put_number(p, i + 1);
        st_put(p, "::");
        st_put(p, st_bulk_array(&m->shape.fields[i]));
    }
    st_put(p, ") AS \"r\"(");
    for (uint32_t i = 0; i < m->n_columns; i++) {
        (void)snprintf(name, sizeof name, "%s\"%u\"", i ? ", " : "", i);
        st_put(p, name);
    }
    st_put(p, ")");
}

/* SET of an upsert. On PostgreSQL the new values are EXCLUDED's, on SQLite the row's placeholders. */
static void put_set(struct st_pen *p, const struct st_statement *st)
{
    const char *between = "";
    for (uint32_t i = 0; p->writing && i < st->m->n_columns; i++) {
        const st_attr *a = st->m->columns[i].attr;
        bool given = is_among(st->update, st->n_update, i);
        bool made = a->client_update && !is_among(st->conflict, st->n_conflict, i);
        if (!given && !made && a != st->m->updated && a != st->m->version) {
            continue;
        }
        st_put(p, between);
        between = ", ";
        st_put_column(p, a);
        st_put(p, " = ");
        if (a == st->m->version) {
            st_put_name(p, st->m->model->table);
            st_put(p, ".");
            st_put_column(p, a);
            st_put(p, " + 1");
        } else if (st_is_pg(p)) {
            st_put(p, "EXCLUDED.");
            st_put_column(p, a);
        } else {
            st_put_number(p, i + 1);
        }
    }
}

static void put_conflict(struct st_pen *p, const struct st_statement *st)
{
    st_put(p, " ON CONFLICT (");
    for (size_t i = 0; i < st->n_conflict; i++) {
        st_put(p, i ? ", " : "");
        st_put_column(p, st->m->columns[st->conflict[i]].attr);
    }
    st_put(p, ") DO ");
    if (st->update && st_is_pg(p)) {
        st_put(p, "UPDATE SET ");
        put_set(p, st);
    } else {
        st_put(p, "NOTHING");
    }
    st_put(p, st_is_pg(p) ? " RETURNING (xmax = 0)" : "");
}

static void put_shape(struct st_pen *p, const struct st_statement *st)
{
    put_numbers_of(p, st->conflict, st->n_conflict);
    st_shape_byte(p, st->update != NULL);
    put_numbers_of(p, st->update, st->n_update);
}

void st_walk_bulk(struct st_pen *p, const struct st_statement *st)
{
    put_shape(p, st);
    st_put(p, "INSERT INTO ");
    st_put_name(p, st->m->model->table);
    for (uint32_t i = 0; i < st->m->n_columns; i++) {
        st_put(p, i ? ", " : " (");
        st_put_column(p, st->m->columns[i].attr);
    }
    st_put(p, ")");
    put_source(p, st->m);
    if (st->n_conflict) {
        put_conflict(p, st);
    }
}

void st_walk_bulk_update(struct st_pen *p, const struct st_statement *st)
{
    assert(st->update && st->n_conflict);
    put_shape(p, st);
    st_put(p, "UPDATE ");
    st_put_name(p, st->m->model->table);
    st_put(p, " SET ");
    put_set(p, st);
    for (size_t i = 0; i < st->n_conflict; i++) {
        st_put(p, i ? " AND " : " WHERE ");
        st_put_column(p, st->m->columns[st->conflict[i]].attr);
        st_put(p, " = ");
        st_put_number(p, st->conflict[i] + 1);
    }
}

static st_err not_a_column(const st_mapper *m, const char *list)
{
    return diag_set(ST_E_INVALID, "%s: .%s names a member that is no column", m->model->name, list);
}

static bool is_conflict(const st_mapper *m, const st_attr *a, const uint32_t *columns, size_t n)
{
    return a && a->kind == ST_A_COLUMN && is_among(columns, n, st_mapper_column_at(m, a->offset));
}

/* Whether u, an attribute of the model, is unique over just these columns. */
static bool is_unique_over(const st_mapper *m, const st_attr *u, const uint32_t *columns, size_t n)
{
    size_t found = m->tenant != NULL;
    if (u->kind == ST_A_COLUMN) {
        return u->unique && is_conflict(m, u, columns, n) && n == found + !u->tenant;
    }
    if ((u->kind != ST_A_UNIQUE && !(u->kind == ST_A_INDEX && u->unique)) || u->where || u->expression) {
        return false;
    }
    for (const char *const *name = u->columns; *name; name++) {
        const st_attr *a = st_model_attr(m->model, *name);
        if (!is_conflict(m, a, columns, n)) {
            return false;
        }
        found += a != m->tenant;
    }
    return found == n;
}

static bool is_key(const st_mapper *m, const uint32_t *columns, size_t n)
{
    size_t found = 0;
    for (uint32_t i = 0; i < m->n_columns; i++) {
        found += m->columns[i].attr->pk && is_among(columns, n, i);
        if (m->columns[i].attr->pk && !is_among(columns, n, i)) {
            return false;
        }
    }
    return found == n;
}

/* PostgreSQL's ON CONFLICT looks at no constraint that may be deferred; so neither database does. */
static st_err check_deferral(const st_mapper *m, const uint32_t *columns, size_t n)
{
    const st_attr *later = NULL;
    bool any = false;
    for (size_t i = 0; i < m->model->n_attrs; i++) {
        const st_attr *a = &m->model->attrs[i];
        bool defers = a->deferrable && !(a->kind == ST_A_COLUMN && a->references);
        bool says = a->kind == ST_A_PRIMARY_KEY ? defers && is_key(m, columns, n) : is_unique_over(m, a, columns, n);
        later = says && defers ? a : later;
        any = any || (says && !defers);
    }
    if (!later || any) {
        return 0;
    }
    diag_set(ST_E_INVALID, "%s: .conflict names the columns of %s, which is deferrable: no row can be told to be there",
             m->model->name, later->name ? later->name : "the primary key");
    diag_hint("leave .deferrable out there, or select the rows first");
    return ST_E_INVALID;
}

st_err st_conflict_columns(const struct st_compiler *c, const st_mapper *m, const uint32_t *conflict,
                           const uint32_t **ret, size_t *ret_n)
{
    uint32_t *columns = ARENA_ARRAY(c->scratch, uint32_t, m->n_columns);
    size_t n = 0;
    if (!columns) {
        return diag_nomem();
    }
    if (m->tenant) {
        columns[n++] = st_mapper_column_at(m, m->tenant->offset);
    }
    for (; *conflict != ST_MEMBERS_END; conflict++) {
        uint32_t i = st_mapper_column_at(m, *conflict);
        if (i == UINT32_MAX) {
            return not_a_column(m, "conflict");
        }
        if (!is_among(columns, n, i)) {
            columns[n++] = i;
        }
    }
    *ret = columns;
    *ret_n = n;
    return check_deferral(m, columns, n);
}

static st_err update_columns(const struct st_compiler *c, const st_mapper *m, const uint32_t *update,
                             struct st_statement *st)
{
    uint32_t *columns = ARENA_ARRAY(c->scratch, uint32_t, m->n_columns);
    if (!columns) {
        return diag_nomem();
    }
    for (; *update != ST_MEMBERS_END; update++) {
        uint32_t i = st_mapper_column_at(m, *update);
        if (i == UINT32_MAX) {
            return not_a_column(m, "update");
        }
        if (m->columns[i].attr->pk || is_among(st->conflict, st->n_conflict, i)) {
            return diag_set(ST_E_INVALID, "%s: .update may not write %s, which says what row it is", m->model->name,
                            m->columns[i].attr->name);
        }
        if (!is_among(columns, st->n_update, i)) {
            columns[st->n_update++] = i;
        }
    }
    if (st->n_update == 0) {
        return diag_set(ST_E_INVALID, "%s: .update names no member; leave it out to keep the rows that are there",
                        m->model->name);
    }
    st->update = columns;
    return 0;
}

st_err st_compile_bulk(const struct st_compiler *c, const st_mapper *m, void *const *rows, size_t n,
                       const struct st_bulk_options *o, struct st_bulk *ret)
{
    struct st_statement st = {.form = ST_F_BULK, .m = m};
    st_err rc = st_scope_rows(c->scope, m, rows, n);
    if (rc) {
        return rc;
    }
    if (o->conflict) {
        rc = st_conflict_columns(c, m, o->conflict, &st.conflict, &st.n_conflict);
        rc = rc || !o->update ? rc : update_columns(c, m, o->update, &st);
        if (rc) {
            return rc;
        }
    } else if (o->update) {
        return diag_set(ST_E_INVALID, "%s: .update needs .conflict, which says when a row is there", m->model->name);
    }
    struct st_stmt insert = {.quick = false}, update = {.quick = false};
    rc = st_compile(c, &st, &insert);
    if (!rc && st.update && c->reg->dialect == ST_SQLITE) {
        st.form = ST_F_BULK_UPDATE;
        st.where = NULL;
        rc = st_compile(c, &st, &update);
    }
    if (rc) {
        return rc;
    }
    *ret = (struct st_bulk){.sql = insert.sql,
                            .id = insert.id,
                            .sql_update = update.sql,
                            .id_update = update.id,
                            .fields = m->shape.fields,
                            .n_fields = m->n_columns,
                            .rows = (const void *const *)rows,
                            .n_rows = n,
                            .upsert = c->reg->dialect == ST_POSTGRESQL && st.n_conflict != 0};
    return 0;
}
