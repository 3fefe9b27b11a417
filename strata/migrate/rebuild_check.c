/* What else speaks of a table: views and triggers break without a word when a column goes that they name. */
#include <errno.h>

#include "strata/migrate/rebuild.h"

static int take_other(void *arg, void *obj)
{
    struct rebuild *r = arg;
    st_err rc = migrate_grow(r->a, &r->objects, r->n_objects, &r->objects_room, sizeof *r->objects);
    if (!rc) {
        r->objects[r->n_objects++] = *(const struct rebuild_object *)obj;
    }
    return rc ? rc : 1;
}

/* Views, and tables with triggers that speak of the table; gone is set when it does not even compile now. */
st_err rebuild_list_others(st_conn *c, struct rebuild *all, const char *table, int64_t deadline)
{
    struct st_stmt q = {.sql =
                            STR("SELECT type, name, sql, tbl_name FROM sqlite_schema WHERE type IN ('view', 'trigger')"
                                " AND sql IS NOT NULL ORDER BY rowid"),
                        .shape = &rebuild_object_shape,
                        .arena = all->a,
                        .row = take_other,
                        .arg = all};
    st_err rc = st_conn_run(c, &q, 1, deadline, NULL);
    size_t kept = 0;
    for (size_t i = 0; !rc && i < all->n_objects; i++) { /* a view may name another view that names the table */
        if (strcmp(all->objects[i].kind, "view") == 0 || lite_mentions(str_of(all->objects[i].sql), table)) {
            all->objects[kept++] = all->objects[i];
        }
    }
    all->n_objects = kept;
    return rc;
}

static int take_text(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 1;
}

/* "a" = "a", "b" = "b": an UPDATE of every column, which every trigger of one fires for. */
static st_err assignments(st_conn *c, arena *a, const char *table, int64_t deadline, const char **ret)
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    st_value name = {.type = ST_TEXT, .text = {table, strlen(table)}};
    *ret = NULL;
    struct st_stmt q = {.sql = STR("SELECT group_concat(format('\"%w\" = \"%w\"', name, name), ', ') FROM "
                                   "pragma_table_info(?1)"), /* which leaves generated columns out */
                        .params = &name,
                        .n_params = 1,
                        .shape = &shape,
                        .arena = a,
                        .row = take_text,
                        .arg = ret};
    return st_conn_run(c, &q, 1, deadline, NULL);
}

/* Compiles the view, or what fires the trigger: EXPLAIN runs nothing. */
static st_err compile(st_conn *c, arena *a, const struct rebuild_object *o, int64_t deadline)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    if (strcmp(o->kind, "view") == 0) {
        buf_puts(&b, "EXPLAIN SELECT * FROM ");
        ddl_ident(&b, o->name);
    } else {
        const char *all;
        st_err rc = assignments(c, a, o->table, deadline, &all);
        if (rc) {
            return rc;
        }
        buf_puts(&b, "EXPLAIN DELETE FROM ");
        ddl_ident(&b, o->table);
        buf_puts(&b, "; EXPLAIN INSERT INTO ");
        ddl_ident(&b, o->table);
        buf_puts(&b, " DEFAULT VALUES; EXPLAIN UPDATE ");
        ddl_ident(&b, o->table);
        buf_printf(&b, " SET %s", all ? all : "");
    }
    return b.err ? diag_nomem() : st_conn_exec(c, b.p, deadline);
}

/* Whether those that compiled before still do. */
st_err rebuild_check_others(st_conn *c, struct rebuild *all, bool before, int64_t deadline)
{
    for (size_t i = 0; i < all->n_objects; i++) {
        struct rebuild_object *o = &all->objects[i];
        st_err rc = o->gone ? 0 : compile(c, all->a, o, deadline);
        if (rc != 0 && rc != ST_E_SQL && rc != ST_E_SCHEMA) {
            return rc;
        }
        if (rc && !before) {
            diag_wrap(rc, "the %s %s would break", o->kind, o->name);
            diag_hint("drop it before, and create it again after");
            return rc;
        }
        o->gone = o->gone || rc;
    }
    return 0;
}
