/* SQLite's own text of every table, index and trigger as data: one statement, and sqlite_table.c. */
#include <errno.h>

#include "strata/migrate/reflect_sqlite.h"
#include "strata/migrate/sql_text.h"
#include "strata/migrate/sqlite_table.h"

struct row {
    const char *type, *name, *table, *sql;
};
struct reader {
    arena *a;
    struct seen_schema *s;
    st_table_fk *last_fk; /* of the table at hand that is among its fks, or NULL */
};

#define ADD(k, items, n, room) migrate_grow((k)->a, &(items), (n), &(room), sizeof *(items))

static const char *text_of(arena *a, str s)
{
    return arena_memdup0(a, s.p, s.len);
}

/* ---- columns ---- */

static enum st_type type_of(str type)
{
    static const struct {
        const char *name;
        enum st_type type;
    } types[] = {{"INTEGER", ST_INT64}, {"INT", ST_INT64}, {"REAL", ST_DOUBLE}, {"TEXT", ST_TEXT}, {"BLOB", ST_BYTES}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (str_eq_nocase(type, str_of(types[i].name))) {
            return types[i].type;
        }
    }
    return ST_TYPE_NONE;
}

/* What stands behind the type and is none of ours becomes part of the type's spelling. */
static st_err foreign_type(struct reader *k, struct seen_column *c, const struct lite_column *l, str more)
{
    str type = l->type.len ? l->type : STR("BLOB");
    c->c.type = ST_TYPE_NONE;
    c->c.type_sql = more.len ? arena_printf(k->a, "%.*s %.*s", STR_FMT(type), STR_FMT(more)) : text_of(k->a, type);
    return c->c.type_sql ? 0 : diag_nomem();
}

/* A name in the place of a default is a string to SQLite. */
static const char *default_of(arena *a, str expr)
{
    static const char *const words[] = {"null", "current_time", "current_date", "current_timestamp"};
    size_t at = 0;
    struct lite_token t = lite_next(expr, &at);
    bool string = (t.kind == LITE_QUOTED || t.kind == LITE_WORD) && t.text.len == expr.len;
    if (string && (lite_is(t, "true") || lite_is(t, "false"))) { /* other words for numbers */
        return lite_is(t, "true") ? "1" : "0";
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        string = string && !lite_is(t, words[i]);
    }
    const char *name = string ? lite_name(a, t.text) : NULL;
    if (!name) {
        return text_of(a, sql_unwrap(expr));
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    ddl_string(&b, name);
    return migrate_text(a, &b);
}

static st_err column_constraint(struct reader *k, struct seen_column *c, const struct lite_column *l,
                                const struct lite_constraint *x)
{
    switch (x->kind) {
    case LITE_NOT_NULL:
        c->c.nullable = false;
        return 0;
    case LITE_DEFAULT:
        c->default_text = default_of(k->a, x->expr);
        return c->default_text ? 0 : diag_nomem();
    case LITE_COLLATE:
        return foreign_type(k, c, l, x->text);
    case LITE_GENERATED:
        if (!x->stored) {
            return foreign_type(k, c, l, x->text);
        }
        c->c.generated = text_of(k->a, x->expr);
        return c->c.generated ? 0 : diag_nomem();
    case LITE_PRIMARY_KEY:
        c->c.identity = x->autoincrement;
        return 0;
    case LITE_NULL:
    case LITE_UNIQUE:
    case LITE_CHECK:
    case LITE_FOREIGN_KEY:
    case LITE_NOTHING:
        return 0; /* of the table, below */
    }
    return 0;
}

static st_err add_column(struct reader *k, struct seen_table *t, const struct lite_column *l)
{
    st_err rc = ADD(k, t->columns, t->n_columns, t->columns_room);
    if (rc) {
        return rc;
    }
    struct seen_column *c = &t->columns[t->n_columns++];
    *c = (struct seen_column){.c = {.name = l->name, .type = type_of(l->type), .nullable = true}};
    if (!c->c.type) {
        rc = foreign_type(k, c, l, (str){NULL, 0});
    }
    for (size_t i = 0; !rc && i < l->n_constraints; i++) {
        rc = column_constraint(k, c, l, &l->constraints[i]);
    }
    return rc;
}

/* ---- constraints ---- */

const struct seen_column *reflect_sqlite_column(const struct seen_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (lite_same_name(t->columns[i].c.name, name)) {
            return &t->columns[i];
        }
    }
    return NULL;
}

/* t NULL: columns of another table. */
static bool fill_key(const struct seen_table *t, const char *key[static ST_KEY_MAX], const char *const *names, size_t n)
{
    bool plain = true; /* no constraint that descends, no name that looks so or as an expression */
    for (size_t i = 0; i < n && i < ST_KEY_MAX; i++) {
        const struct seen_column *c = t ? reflect_sqlite_column(t, names[i]) : NULL;
        key[i] = c ? c->c.name : names[i];
        plain = plain && names[i][0] != '-' && names[i][0] != '(';
    }
    return plain && n > 0 && n <= ST_KEY_MAX;
}

static enum st_deferral deferral_of(str text)
{
    size_t at = 0;
    struct lite_token first = lite_next(text, &at), initially = lite_next(text, &at), when = lite_next(text, &at);
    return !lite_is(first, "DEFERRABLE")                                  ? ST_NOT_DEFERRABLE
           : lite_is(initially, "INITIALLY") && lite_is(when, "DEFERRED") ? ST_DEFERRED
                                                                          : ST_DEFERRABLE;
}

/* ON DELETE and ON UPDATE. Returns false for what st_table_fk has no words for. */
static bool actions_of(str text, st_table_fk *fk)
{
    size_t at = 0;
    for (struct lite_token t = lite_next(text, &at); t.kind != LITE_END && t.kind != LITE_BAD;
         t = lite_next(text, &at)) {
        if (lite_is(t, "MATCH")) {
            return false;
        }
        if (!lite_is(t, "ON")) {
            continue;
        }
        struct lite_token on = lite_next(text, &at), what = lite_next(text, &at);
        enum st_action action = lite_is(what, "CASCADE")    ? ST_CASCADE
                                : lite_is(what, "RESTRICT") ? ST_RESTRICT
                                                            : ST_NO_ACTION;
        if (lite_is(what, "SET")) {
            action = lite_is(lite_next(text, &at), "NULL") ? ST_SET_NULL : ST_SET_DEFAULT;
        }
        *(lite_is(on, "DELETE") ? &fk->on_delete : &fk->on_update) = action;
    }
    bool clears = fk->on_delete >= ST_SET_NULL || fk->on_update >= ST_SET_NULL;
    return !clears || migrate_key_len(fk->columns) == 1;
}

/* What st_table has no words for. */
static st_err add_other(struct reader *k, struct seen_table *t, const char *name)
{
    st_err rc = ADD(k, t->others, t->n_others, t->others_room);
    if (!rc) {
        t->others[t->n_others++] = (struct seen_other){"constraint", name, NULL};
    }
    return rc;
}

static st_err add_fk(struct reader *k, struct seen_table *t, const struct lite_constraint *x)
{
    st_table_fk fk = {.name = x->known_as, .table = x->table, .deferrable = deferral_of(x->deferral)};
    k->last_fk = NULL;
    if (!fill_key(t, fk.columns, x->columns, x->n_columns) || !actions_of(x->text, &fk)) {
        return add_other(k, t, x->known_as);
    }
    (void)fill_key(NULL, fk.to, x->to, x->n_to); /* none: the primary key, see point_at_keys */
    st_err rc = ADD(k, t->fks, t->n_fks, t->fks_room);
    if (!rc) {
        k->last_fk = &t->fks[t->n_fks];
        t->fks[t->n_fks++] = fk;
    }
    return rc;
}

static st_err add_check(struct reader *k, struct seen_table *t, const struct lite_constraint *x)
{
    const char *condition = text_of(k->a, sql_unwrap(x->expr));
    struct seen_column *only = NULL;
    size_t n = 0;
    bool taken = false;
    if (!condition) {
        return diag_nomem();
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        if (lite_mentions(x->expr, t->columns[i].c.name)) {
            only = &t->columns[i];
            n++;
        }
    }
    only = n == 1 ? only : NULL;
    st_err rc = only ? seen_take_check(k->a, ST_SQLITE, only, condition, x->known_as, !x->name, &taken) : 0;
    if (rc || taken) {
        return rc;
    }
    rc = ADD(k, t->checks, t->n_checks, t->checks_room);
    if (!rc) {
        t->checks[t->n_checks++] =
            (struct seen_check){.c = {.name = x->known_as, .sql = condition}, .column = only ? only->c.name : NULL};
    }
    return rc;
}

static st_err add_unique(struct reader *k, struct seen_table *t, const struct lite_constraint *x)
{
    st_table_index i = {.name = x->known_as, .unique = true, .constraint = true};
    bool known = fill_key(t, i.columns, x->columns, x->n_columns);
    for (size_t n = 0; known && n < x->n_columns; n++) {
        const char *collation = x->collations ? x->collations[n] : NULL;
        i.how[n] = collation ? reflect_sqlite_collation(collation) : "";
        known = i.how[n];
    }
    if (!known) {
        return add_other(k, t, x->known_as);
    }
    st_err rc = ADD(k, t->indexes, t->n_indexes, t->indexes_room);
    if (!rc) {
        t->indexes[t->n_indexes++] = i;
    }
    return rc;
}

static void add_key(struct seen_table *t, const struct lite_constraint *x)
{
    if (!fill_key(t, t->pk, x->columns, x->n_columns)) {
        t->strange = "its primary key is too wide or descends";
    }
    t->pk_name = x->known_as;
    for (size_t i = 0; i < x->n_columns; i++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            if (lite_same_name(t->columns[c].c.name, x->columns[i])) {
                t->columns[c].c.pk = true;
                t->columns[c].c.nullable = false;
                t->columns[c].c.identity = x->autoincrement;
            }
        }
    }
}

static st_err add_constraint(struct reader *k, struct seen_table *t, const struct lite_constraint *x)
{
    switch ((int)x->kind) {
    case LITE_PRIMARY_KEY:
        add_key(t, x);
        return 0;
    case LITE_UNIQUE:
        return add_unique(k, t, x);
    case LITE_CHECK:
        return add_check(k, t, x);
    case LITE_FOREIGN_KEY:
        return add_fk(k, t, x);
    case LITE_NOTHING: /* "a REFERENCES t NOT NULL DEFERRABLE" */
        if (x->deferral.len && k->last_fk) {
            k->last_fk->deferrable = deferral_of(x->deferral);
        }
        return 0;
    default:
        return 0;
    }
}

static st_err take_table(struct reader *k, const struct row *r)
{
    struct seen_schema *s = k->s;
    struct lite_table l;
    st_err rc = ADD(k, s->tables, s->n_tables, s->tables_room);
    if (rc) {
        return rc;
    }
    struct seen_table *t = &s->tables[s->n_tables++];
    *t = (struct seen_table){.name = r->name};
    k->last_fk = NULL;
    rc = lite_table_read(k->a, str_of(r->sql), &l);
    if (rc) {
        t->strange = "it is no ordinary table";
        return rc == -ENOMEM ? rc : 0;
    }
    t->without_rowid = l.without_rowid;
    t->no_strict = !l.strict;
    for (size_t i = 0; !rc && i < l.n_columns; i++) {
        rc = add_column(k, t, &l.columns[i]);
    }
    for (size_t i = 0; !rc && i < l.n_columns; i++) {
        for (size_t c = 0; !rc && c < l.columns[i].n_constraints; c++) {
            rc = add_constraint(k, t, &l.columns[i].constraints[c]);
        }
    }
    for (size_t i = 0; !rc && i < l.n_constraints; i++) {
        rc = add_constraint(k, t, &l.constraints[i]);
    }
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        rc = seen_take_default(k->a, ST_SQLITE, &t->columns[i]);
    }
    return rc;
}

/* ---- the rest ---- */

static st_err take_index(struct reader *k, const struct row *r)
{
    struct seen_table *t = seen_find(k->s, r->table);
    bool text = t && !t->strange && r->sql; /* those of constraints have none */
    return text ? reflect_sqlite_index(k->a, t, r->name, r->sql) : 0;
}

static st_err take_trigger(struct reader *k, const struct row *r)
{
    struct seen_table *t = seen_find(k->s, r->table);
    st_err rc = t ? ADD(k, t->triggers, t->n_triggers, t->triggers_room) : 0;
    if (t && !rc) {
        t->triggers[t->n_triggers++] = (struct seen_trigger){.name = r->name, .text = r->sql};
    }
    return rc;
}

static int take_row(void *arg, void *obj)
{
    const struct row *r = obj;
    st_err rc = strcmp(r->type, "table") == 0     ? take_table(arg, r)
                : strcmp(r->type, "index") == 0   ? take_index(arg, r)
                : strcmp(r->type, "trigger") == 0 ? take_trigger(arg, r)
                                                  : 0;
    return rc ? rc : 1; /* the strings stay */
}

static const struct seen_table *find_table(const struct seen_schema *s, const char *name)
{
    const struct seen_table *t = seen_find(s, name);
    for (size_t i = 0; !t && i < s->n_tables; i++) {
        t = lite_same_name(s->tables[i].name, name) ? &s->tables[i] : NULL;
    }
    return t;
}

/* A foreign key that names no columns points at the primary key; names are spelled as where they are defined. */
static void point(const struct seen_schema *s, st_table_fk *fk)
{
    const struct seen_table *parent = find_table(s, fk->table);
    fk->table = parent ? parent->name : fk->table;
    if (parent && !fk->to[0]) {
        memcpy(fk->to, parent->pk, sizeof fk->to);
    }
    for (size_t k = 0; parent && k < migrate_key_len(fk->to); k++) {
        const struct seen_column *c = reflect_sqlite_column(parent, fk->to[k]);
        fk->to[k] = c ? c->c.name : fk->to[k];
    }
}

static st_err point_at_keys(struct reader *k, struct seen_schema *s)
{
    for (size_t i = 0; i < s->n_tables; i++) {
        struct seen_table *t = &s->tables[i];
        size_t n = 0;
        for (size_t f = 0; f < t->n_fks; f++) {
            st_table_fk fk = t->fks[f];
            point(s, &fk);
            if (migrate_key_len(fk.to) == migrate_key_len(fk.columns)) {
                t->fks[n++] = fk;
                continue;
            }
            st_err rc = add_other(k, t, fk.name); /* SQLite notices when a row is written */
            if (rc) {
                return rc;
            }
        }
        t->n_fks = n;
    }
    return 0;
}

st_err seen_read_sqlite(st_conn *c, arena *a, int64_t deadline, struct seen_schema *ret)
{
    static const struct st_field fields[] = {
        {.type = ST_TEXT, .offset = offsetof(struct row, type)},
        {.type = ST_TEXT, .offset = offsetof(struct row, name)},
        {.type = ST_TEXT, .offset = offsetof(struct row, table)},
        {.type = ST_TEXT, .nullable = true, .offset = offsetof(struct row, sql)},
    };
    static const struct st_shape shape = {fields, 4, sizeof(struct row), 0};
    *ret = (struct seen_schema){.dialect = ST_SQLITE};
    struct reader k = {a, ret};
    struct st_stmt q = {.sql =
                            STR("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('table', "
                                "'index', 'trigger') AND tbl_name NOT LIKE 'sqlite!_%' ESCAPE '!' AND tbl_name NOT "
                                "LIKE 'strata!_%' ESCAPE '!' AND tbl_name NOT IN (SELECT name FROM pragma_table_list "
                                "WHERE schema = 'main' AND type = 'shadow') ORDER BY type <> 'table', tbl_name, name"),
                        .shape = &shape,
                        .arena = a,
                        .row = take_row,
                        .arg = &k};
    st_err rc = st_conn_run(c, &q, 1, deadline, NULL);
    if (rc) {
        return diag_wrap(rc, "reading the schema");
    }
    return point_at_keys(&k, ret);
}
