#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/query/statement.h"

void st_walk_copy(struct st_pen *p, const struct st_statement *st)
{
    st_put(p, "COPY ");
    st_put_name(p, st->m->model->table);
    for (uint32_t i = 0; i < st->m->n_columns; i++) {
        st_put(p, i ? ", " : " (");
        st_put_column(p, st->m->columns[i].attr);
    }
    st_put(p, ") FROM STDIN (FORMAT binary)");
}

/* No row goes by without the scope. */
static int next_in_scope(struct st_copy *copy, const void **ret)
{
    const struct st_copying *k = (const struct st_copying *)copy;
    void *row = NULL;
    int rc = k->source(k->arg, &row);
    if (rc > 0) {
        st_err err = st_scope_row(k->scope, k->m, row);
        rc = err ? err : rc;
        *ret = row;
    }
    return rc;
}

st_err st_compile_copy(const struct st_compiler *c, const st_mapper *m, int (*source)(void *arg, void **ret), void *arg,
                       struct st_copying *ret)
{
    assert(c->reg->dialect == ST_POSTGRESQL);
    struct st_statement st = {.form = ST_F_COPY, .m = m};
    struct st_stmt copy = {.quick = false};
    st_err rc = st_compile(c, &st, &copy);
    if (!rc) {
        *ret = (struct st_copying){
            .copy = {.sql = copy.sql, .fields = m->shape.fields, .n_fields = m->n_columns, .next = next_in_scope},
            .scope = c->scope,
            .m = m,
            .source = source,
            .arg = arg};
    }
    return rc;
}

st_err st_compile_copy_check(const struct st_compiler *c, const st_mapper *m, struct st_stmt *ret)
{
    const str sql = STR("SELECT row_security_active($1)");
    const char *table = m->model->table;
    char *name = arena_bytes(c->scratch, 2 * strlen(table) + 3), *to = name;
    st_value *param = ARENA_NEW(c->scratch, st_value);
    if (!name || !param) {
        return diag_nomem();
    }
    *to++ = '"';
    for (; *table; table++) {
        if (*table == '"') {
            *to++ = '"';
        }
        *to++ = *table;
    }
    *to++ = '"';
    *to = '\0';
    *param = st_v_text(name);
    ret->sql = sql;
    ret->id = st_hash_bytes(sql.p, sql.len, 0);
    ret->params = param;
    ret->n_params = 1;
    return 0;
}
