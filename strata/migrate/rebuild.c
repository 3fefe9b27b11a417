/* A table changed on SQLite where ALTER TABLE cannot say it: its text is edited, and the table made anew from that. */
#include "strata/migrate/rebuild.h"

#include <assert.h>
#include <errno.h>

static int take_object(void *arg, void *obj)
{
    struct rebuild *r = arg;
    const struct rebuild_object *o = obj;
    if (strcmp(o->kind, "table") == 0) {
        r->table = o->name;
        r->before = o->sql;
        return 1;
    }
    st_err rc = migrate_grow(r->a, &r->objects, r->n_objects, &r->objects_room, sizeof *r->objects);
    if (!rc) {
        r->objects[r->n_objects++] = *o;
    }
    return rc ? rc : 1;
}

static const struct st_field object_fields[] = {
    {.type = ST_TEXT, .offset = offsetof(struct rebuild_object, kind)},
    {.type = ST_TEXT, .offset = offsetof(struct rebuild_object, name)},
    {.type = ST_TEXT, .offset = offsetof(struct rebuild_object, sql)},
    {.type = ST_TEXT, .offset = offsetof(struct rebuild_object, table)},
};
const struct st_shape rebuild_object_shape = {object_fields, sizeof object_fields / sizeof *object_fields,
                                              sizeof(struct rebuild_object), 0};

/* The table, its indexes that have a text, and its triggers. */
static st_err load(st_conn *c, struct rebuild *r, const char *table, int64_t deadline)
{
    st_value name = {.type = ST_TEXT, .text = {table, strlen(table)}};
    struct st_stmt q = {.sql =
                            STR("SELECT type, name, sql, tbl_name FROM sqlite_schema WHERE lower(tbl_name) = lower(?1)"
                                " AND sql IS NOT NULL AND type IN ('table', 'index', 'trigger') ORDER BY rowid"),
                        .params = &name,
                        .n_params = 1,
                        .shape = &rebuild_object_shape,
                        .arena = r->a,
                        .row = take_object,
                        .arg = r};
    st_err rc = st_conn_run(c, &q, 1, deadline, NULL);
    if (!rc && !r->before) {
        diag_set(ST_E_SCHEMA, "there is no table %s", table);
        diag_hint("is it a view, or does the revision come before the one that creates it?");
        rc = ST_E_SCHEMA;
    }
    rc = rc ? rc : lite_table_read(r->a, str_of(r->before), &r->t);
    r->old = r->t;
    return rc;
}

static int take_flag(void *arg, void *obj)
{
    *(bool *)arg = *(const int64_t *)obj != 0;
    return 0;
}

/* The number that a query finds, as a flag. */
static st_err ask(st_conn *c, arena *a, const char *sql, int64_t deadline, bool *ret)
{
    static const struct st_field field = {.type = ST_INT64};
    static const struct st_shape shape = {&field, 1, sizeof(int64_t), 0};
    *ret = false;
    struct st_stmt q = {.sql = str_of(sql), .quick = true, .shape = &shape, .arena = a, .row = take_flag, .arg = ret};
    return st_conn_run(c, &q, 1, deadline, NULL);
}

/* ---- the operations ---- */

static st_err rename_index(struct rebuild *r, const char *from, const char *to)
{
    for (size_t i = 0; i < r->n_objects; i++) {
        struct rebuild_object *o = &r->objects[i];
        if (o->gone || strcmp(o->kind, "index") != 0 || !lite_same_name(o->name, from)) {
            continue;
        }
        str text = str_of(o->sql);
        size_t at = 0;
        struct lite_token t;
        do {
            t = lite_next(text, &at);
        } while (t.kind != LITE_END && !lite_is(t, "index"));
        t = lite_next(text, &at);
        buf b BUF_AUTO;
        buf_init(&b, ST_DDL_MAX);
        buf_put(&b, text.p, (size_t)(t.text.p - text.p));
        ddl_ident(&b, to);
        buf_put_str(&b, str_from(text, at));
        const char *sql = migrate_text(r->a, &b);
        if (!sql || migrate_grow(r->a, &r->objects, r->n_objects, &r->objects_room, sizeof *r->objects)) {
            return diag_nomem();
        }
        r->objects[i].gone = true;
        r->objects[r->n_objects++] = (struct rebuild_object){"index", to, sql, r->table, false, true};
        return 0;
    }
    return diag_set(ST_E_SCHEMA, "table %s has no index %s", r->table, from);
}

static st_err append_spelled(struct rebuild *r, const struct migrate_op *op)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    if (op->kind == MIGRATE_ADD_CHECK) {
        ddl_check(&b, op->check);
    } else if (op->kind == MIGRATE_ADD_FK) {
        ddl_fk(&b, op->fk);
    } else {
        ddl_unique(&b, ST_SQLITE, op->index);
    }
    const char *text = migrate_text(r->a, &b);
    return text ? rebuild_append(r, text) : diag_nomem();
}

st_err rebuild_apply(struct rebuild *r, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_ADD_COLUMN:
        return rebuild_add_column(r, op->column);
    case MIGRATE_DROP_COLUMN:
        return rebuild_drop_column(r, op->name);
    case MIGRATE_ALTER_COLUMN:
        return rebuild_alter_column(r, op->alter.was, op->alter.is, op->alter.convert);
    case MIGRATE_ADD_CHECK:
    case MIGRATE_ADD_FK:
    case MIGRATE_CREATE_INDEX: /* a unique constraint */
        return append_spelled(r, op);
    case MIGRATE_DROP_CONSTRAINT:
        return rebuild_drop_constraint(r, op->constraint.kind, op->constraint.name);
    case MIGRATE_RENAME_CONSTRAINT:
        return rebuild_rename_constraint(r, op->constraint.kind, op->constraint.name, op->constraint.to);
    case MIGRATE_PRIMARY_KEY:
        return rebuild_change_key(r, op->key.is);
    case MIGRATE_DEFER: /* a foreign key */
        return rebuild_defer(r, op->defer.name, op->defer.is);
    case MIGRATE_RENAME_INDEX:
        return rename_index(r, op->rename.from, op->rename.to);
    default:
        return diag_set(ST_E_INVALID, "table %s: an operation that is no edit of a table", op->table);
    }
}

/* The statement for one operation that SQLite does by itself; empty when it does not. */
static st_err spell_native(struct rebuild *r, const struct migrate_op *op, buf *b)
{
    if (op->kind == MIGRATE_DROP_COLUMN && lite_column(&r->t, op->name) && !rebuild_column_is_bound(r, op->name)) {
        ddl_alter(b, r->table);
        buf_puts(b, "DROP COLUMN ");
        ddl_ident(b, op->name);
        return 0;
    }
    bool strict = r->t.strict && op->kind == MIGRATE_ADD_COLUMN && !ddl_strict_takes(op->column);
    return op->kind == MIGRATE_ADD_COLUMN && !strict && migrate_sqlite_adds(op->column)
               ? ddl_add_column(b, ST_SQLITE, r->table, op->column, r->a)
               : 0;
}

static st_err native(struct rebuild *r, const struct migrate_step *s, const char *const **ret, size_t *ret_n)
{
    const struct migrate_op *only = NULL;
    size_t n = 0;
    for (size_t i = 0; i < s->n_ops; i++) {
        if (!migrate_sqlite_ignores(&s->op[i])) {
            only = &s->op[i];
            n++;
        }
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    st_err rc = n == 1 ? spell_native(r, only, &b) : 0;
    if (rc || (!b.len && !b.err)) {
        return rc;
    }
    const char **v = ARENA_ARRAY(r->a, const char *, 1), *text = migrate_text(r->a, &b);
    if (!v || !text) {
        return diag_nomem();
    }
    *v = text;
    *ret = v;
    *ret_n = 1;
    return 0;
}

/* ALTER TABLE DROP COLUMN looks at every view and trigger, and fails at one that is broken, whatever it is about. */
static st_err any_broken(st_conn *c, struct rebuild *others, const char *table, int64_t deadline, bool *ret)
{
    st_err rc = rebuild_list_others(c, others, table, deadline);
    rc = rc ? rc : rebuild_check_others(c, others, true, deadline);
    *ret = false;
    for (size_t i = 0; i < others->n_objects; i++) {
        *ret = *ret || others->objects[i].gone;
    }
    return rc;
}

/* others: views and triggers that a column which goes could break; filled when there is one. */
static st_err prepare(st_conn *c, const struct migrate_step *s, int64_t deadline, struct rebuild *r,
                      struct rebuild *others, const char *const **ret, size_t *ret_n)
{
    bool has_stat, broken = false, drops = false;
    for (size_t i = 0; i < s->n_ops; i++) {
        drops = drops || s->op[i].kind == MIGRATE_DROP_COLUMN;
    }
    st_err rc = load(c, r, s->op->table, deadline);
    rc = rc || !drops ? rc : any_broken(c, others, r->table, deadline, &broken);
    *ret_n = 0;
    rc = rc || broken ? rc : native(r, s, ret, ret_n);
    if (rc || *ret_n) {
        return rc;
    }
    for (size_t i = 0; !rc && i < s->n_ops; i++) {
        rc = migrate_sqlite_ignores(&s->op[i]) ? 0 : rebuild_apply(r, &s->op[i]);
    }
    rc = rc ? rc : ask(c, r->a, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'", deadline, &has_stat);
    return rc ? rc : rebuild_statements(r, has_stat, ret, ret_n);
}

st_err migrate_rebuild_statements(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline,
                                  const char *const **ret, size_t *ret_n)
{
    struct rebuild r = {.a = a}, others = {.a = a};
    return prepare(c, s, deadline, &r, &others, ret, ret_n);
}

st_err migrate_rebuild(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline)
{
    struct rebuild r = {.a = a}, others = {.a = a};
    const char *const *v;
    size_t n;
    bool checked;
    assert(st_conn_in_transaction(c));
    st_err rc = prepare(c, s, deadline, &r, &others, &v, &n);
    rc = rc ? rc : ask(c, a, "PRAGMA foreign_keys", deadline, &checked);
    if (!rc && checked && n > 1) {
        rc = diag_set(ST_E_INVALID,
                      "table %s cannot be rebuilt while foreign keys are on: their cascades would empty "
                      "other tables",
                      r.table);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        rc = st_conn_exec(c, v[i], deadline);
    }
    return rc ? rc : rebuild_check_others(c, &others, false, deadline);
}
