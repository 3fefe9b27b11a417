/* PostgreSQL's catalog as data: seven statements in one batch, one round trip. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/reflect_pg.h"
#include "strata/migrate/sql_text.h"

/* Names of the columns whose numbers an array holds. */
#define NAMES(numbers, table)                                                                                \
    "(SELECT array_agg(k.attname::text ORDER BY u.n) FROM unnest(" numbers ") WITH ORDINALITY AS u(num, n) " \
    "JOIN pg_catalog.pg_attribute k ON k.attrelid = " table " AND k.attnum = u.num)"
#define HERE REFLECT_HERE
#define OURS REFLECT_OURS
#define ADD REFLECT_ADD

struct query {
    const char *sql;
    unsigned texts, flags, lists;
    st_err (*take)(struct reflect_reader *k, const struct reflect_row *r);
};

static st_err take_table(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_schema *s = k->s;
    st_err rc = ADD(k, s->tables, s->n_tables, s->tables_room);
    if (!rc) {
        s->tables[s->n_tables++] =
            (struct seen_table){.name = r->text[0], .comment = r->text[1], .rls = r->flag[0], .strange = r->text[2]};
    }
    return rc;
}

/* By the name that format_type prints. Text that is not of collation "C" is none of ours: it sorts otherwise. */
static enum st_type type_of(const char *name, const char *collation)
{
    static const struct {
        const char *name;
        enum st_type type;
    } types[] = {
        {"boolean", ST_BOOL},
        {"smallint", ST_INT16},
        {"integer", ST_INT32},
        {"bigint", ST_INT64},
        {"double precision", ST_DOUBLE},
        {"uuid", ST_UUID},
        {"timestamp with time zone", ST_TIME},
        {"bytea", ST_BYTES},
        {"jsonb", ST_JSON},
        {"text[]", ST_TEXTS},
        {"uuid[]", ST_UUIDS},
    };
    if (strcmp(name, "text") == 0) {
        return collation && strcmp(collation, "\"C\"") == 0 ? ST_TEXT : (enum st_type)0;
    }
    for (size_t i = 0; !collation && i < sizeof types / sizeof *types; i++) {
        if (strcmp(name, types[i].name) == 0) {
            return types[i].type;
        }
    }
    return (enum st_type)0;
}

static st_err take_column(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_table *t = seen_find(k->s, r->text[0]);
    st_err rc = t ? ADD(k, t->columns, t->n_columns, t->columns_room) : 0;
    if (!t || rc) {
        return rc;
    }
    const char *type = r->text[2], *collation = r->text[3], *value = r->text[4], *generated = r->text[5];
    struct seen_column *c = &t->columns[t->n_columns++];
    *c = (struct seen_column){.c = {.name = r->text[1],
                                    .type = type_of(type, collation),
                                    .nullable = !r->flag[0],
                                    .identity = r->flag[1],
                                    .comment = r->text[6],
                                    .enum_type = r->text[7]}};
    if (c->c.enum_type) {
        c->c.type = ST_ENUM;
    } else if (!c->c.type) {
        c->c.type_sql = collation ? arena_printf(k->a, "%s COLLATE %s", type, collation) : type;
        rc = c->c.type_sql ? 0 : diag_nomem();
    }
    c->c.generated = generated[0] ? value : NULL;
    c->default_text = generated[0] || c->c.identity ? NULL : value;
    return rc;
}

static bool fill_key(const char *key[static ST_KEY_MAX], const st_texts *names)
{
    for (size_t i = 0; i < names->n && i < ST_KEY_MAX; i++) {
        key[i] = names->v[i];
    }
    return names->n <= ST_KEY_MAX;
}

static enum st_action action_of(const char *code)
{
    return *code == 'r'   ? ST_RESTRICT
           : *code == 'c' ? ST_CASCADE
           : *code == 'n' ? ST_SET_NULL
           : *code == 'd' ? ST_SET_DEFAULT
                          : ST_NO_ACTION;
}

static enum st_deferral deferral_of(const struct reflect_row *r)
{
    return !r->flag[1] ? ST_NOT_DEFERRABLE : r->flag[2] ? ST_DEFERRED : ST_DEFERRABLE;
}

st_err reflect_other(struct reflect_reader *k, struct seen_table *t, const char *what, const char *name,
                     const char *sql)
{
    st_err rc = ADD(k, t->others, t->n_others, t->others_room);
    if (!rc && !sql) {
        rc = diag_nomem();
    }
    if (!rc) {
        t->others[t->n_others++] = (struct seen_other){what, name, sql};
    }
    return rc;
}

static st_err add_fk(struct reflect_reader *k, struct seen_table *t, const struct reflect_row *r)
{
    st_err rc = ADD(k, t->fks, t->n_fks, t->fks_room);
    if (!rc) {
        st_table_fk *fk = &t->fks[t->n_fks++];
        *fk = (st_table_fk){.name = r->text[1],
                            .table = r->text[3],
                            .on_delete = action_of(r->text[4]),
                            .on_update = action_of(r->text[5]),
                            .deferrable = deferral_of(r)};
        (void)fill_key(fk->columns, &r->list[0]);
        (void)fill_key(fk->to, &r->list[1]);
    }
    return rc;
}

static st_err add_check(struct reflect_reader *k, struct seen_table *t, const struct reflect_row *r)
{
    bool exclude = r->text[2][0] == 'x', taken = false;
    const char *name = r->text[1], *condition = exclude ? r->text[7] + strlen("EXCLUDE ") : r->text[6];
    struct seen_column *c = r->list[0].n == 1 && !exclude ? seen_column_of(t, r->list[0].v[0]) : NULL;
    st_err rc = c ? seen_take_check(k->a, ST_POSTGRESQL, c, condition, name, false, &taken) : 0;
    rc = rc || taken ? rc : ADD(k, t->checks, t->n_checks, t->checks_room);
    if (rc || taken) {
        return rc;
    }
    str bare = exclude ? str_of(condition) : sql_unwrap(str_of(condition));
    static const char *const later[] = {"", " DEFERRABLE",
                                        " DEFERRABLE INITIALLY DEFERRED"}; /* as pg_get_constraintdef ends */
    bare.len -= str_ends(bare, str_of(later[deferral_of(r)])) ? strlen(later[deferral_of(r)]) : 0;
    const char *sql = arena_memdup0(k->a, bare.p, bare.len);
    t->checks[t->n_checks++] =
        (struct seen_check){.c = {.name = name, .sql = sql, .exclude = exclude, .deferrable = deferral_of(r)},
                            .column = c ? c->c.name : NULL};
    return sql ? 0 : diag_nomem();
}

/* A name that begins as a descending column or an expression does. */
static bool names_mislead(const st_texts *names)
{
    bool any = false;
    for (size_t i = 0; i < names->n; i++) {
        any |= names->v[i][0] == '-' || names->v[i][0] == '(';
    }
    return any;
}

static st_err take_constraint(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_table *t = seen_find(k->s, r->text[0]);
    if (!t) {
        return 0;
    }
    const char kind = r->text[2][0];
    bool odd = r->flag[0] || r->list[0].n > ST_KEY_MAX || names_mislead(&r->list[0]);
    odd |= kind == 'f' && r->list[0].n > 1 &&
           (action_of(r->text[4]) >= ST_SET_NULL || action_of(r->text[5]) >= ST_SET_NULL);
    if (kind == 'p') {
        t->pk_name = r->text[1];
        t->strange = odd ? "its primary key is too wide, includes columns or is of one whose name begins with - or ("
                         : t->strange;
        t->key_deferrable = deferral_of(r);
        (void)fill_key(t->pk, &r->list[0]);
        for (size_t i = 0; i < r->list[0].n; i++) {
            struct seen_column *c = seen_column_of(t, r->list[0].v[i]);
            if (c) {
                c->c.pk = true;
            }
        }
        return 0;
    }
    if (odd) {
        return reflect_other(
            k, t, "constraint", r->text[1],
            arena_printf(k->a, "ALTER TABLE \"%s\" ADD CONSTRAINT \"%s\" %s", t->name, r->text[1], r->text[7]));
    }
    if (kind == 'f') {
        return add_fk(k, t, r);
    }
    if (kind != 'u') {
        return add_check(k, t, r);
    }
    st_err rc = ADD(k, t->indexes, t->n_indexes, t->indexes_room);
    if (!rc) {
        st_table_index *i = &t->indexes[t->n_indexes++];
        *i = (st_table_index){.name = r->text[1], .unique = true, .constraint = true, .deferrable = deferral_of(r)};
        (void)fill_key(i->columns, &r->list[0]);
        for (size_t n = 0; n < ST_KEY_MAX; n++) {
            i->how[n] = i->columns[n] ? "" : NULL;
        }
    }
    return rc;
}

/* rls.c's condition: tenant = (SELECT ...). */
static st_err note_tenant(struct reflect_reader *k, struct seen_table *t, const char *condition)
{
    str bare = sql_unwrap(str_of(condition));
    struct sql_reader r = {.rest = bare};
    t->tenant = sql_unquote(k->a, sql_next(&r));
    return t->tenant ? 0 : diag_nomem();
}

static st_err take_policy(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_table *t = seen_find(k->s, r->text[0]);
    if (!t || strcmp(r->text[1], "strata_system") == 0) {
        return 0;
    }
    if (strcmp(r->text[1], "strata_tenant") == 0) {
        return r->text[4] ? note_tenant(k, t, r->text[4]) : 0;
    }
    st_err rc = ADD(k, t->policies, t->n_policies, t->policies_room);
    if (rc) {
        return rc;
    }
    static const char *const commands[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};
    const char *code = strchr("rawd", r->text[2][0]);
    const char *parts[2];
    for (unsigned i = 0; i < 2; i++) {
        str bare = sql_unwrap(str_of(r->text[4 + i]));
        parts[i] = r->text[4 + i] ? arena_memdup0(k->a, bare.p, bare.len) : NULL;
        if (r->text[4 + i] && !parts[i]) {
            return diag_nomem();
        }
    }
    t->policies[t->n_policies++] = (st_table_policy){.name = r->text[1],
                                                     .command = code && *code ? commands[code - "rawd"] : NULL,
                                                     .roles = r->text[3],
                                                     .using_sql = parts[0],
                                                     .check_sql = parts[1],
                                                     .restrictive = r->flag[0]};
    return 0;
}

static st_err take_trigger(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_table *t = seen_find(k->s, r->text[0]);
    st_err rc = t ? ADD(k, t->triggers, t->n_triggers, t->triggers_room) : 0;
    if (t && !rc) {
        const char *text = arena_printf(k->a, "%s\n%s", r->text[2], r->text[3]);
        t->triggers[t->n_triggers++] = (struct seen_trigger){r->text[1], text, r->text[4]};
        rc = text ? 0 : diag_nomem();
    }
    return rc;
}

static st_err take_enum(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_schema *s = k->s;
    st_err rc = ADD(k, s->enums, s->n_enums, s->enums_room);
    const char **values = rc ? NULL : ARENA_ARRAY(k->a, const char *, r->list[0].n + 1);
    if (!values) {
        return rc ? rc : diag_nomem();
    }
    for (size_t i = 0; i < r->list[0].n; i++) {
        values[i] = r->list[0].v[i];
    }
    s->enums[s->n_enums++] = (st_enum_type){r->text[0], values};
    return 0;
}

/* In this order: tables before what is of them, columns before constraints. Names sort by bytes. */
static const struct query queries[] = {
    {"SELECT t.relname::text, pg_catalog.obj_description(t.oid, 'pg_class'), CASE WHEN t.relkind = 'p' THEN "
     "'it is partitioned' WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE t.oid IN (i.inhrelid, i.inhparent)) "
     "THEN 'it inherits' END, t.relrowsecurity FROM pg_catalog.pg_class t WHERE " OURS " ORDER BY t.relname::text "
     "COLLATE \"C\"",
     3, 1, 0, take_table},
    {"SELECT t.relname::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), CASE WHEN "
     "a.attcollation <> y.typcollation THEN (SELECT pg_catalog.quote_ident(o.collname) FROM pg_catalog.pg_collation o "
     "WHERE o.oid = a.attcollation) END, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text, "
     "pg_catalog.col_description(t.oid, a.attnum), CASE WHEN y.typtype = 'e' AND y.typnamespace = t.relnamespace THEN "
     "y.typname::text END, a.attnotnull, "
     /* serial is what identity was before there was identity */
     "a.attidentity <> '' OR (coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%' AND EXISTS "
     "(SELECT FROM "
     "pg_catalog.pg_depend q WHERE q.refobjid = t.oid AND q.refobjsubid = a.attnum AND q.deptype = 'a' AND q.classid = "
     "'pg_catalog.pg_class'::regclass)) "
     "FROM pg_catalog.pg_class t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT "
     "a.attisdropped JOIN pg_catalog.pg_type y ON y.oid = a.atttypid LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = "
     "t.oid AND d.adnum = a.attnum WHERE " OURS " ORDER BY t.relname::text COLLATE \"C\", a.attnum",
     8, 2, 0, take_column},
    {"SELECT t.relname::text, c.conname::text, c.contype::text, f.relname::text, c.confdeltype::text, "
     "c.confupdtype::text, pg_catalog.pg_get_expr(c.conbin, c.conrelid), pg_catalog.pg_get_constraintdef(c.oid), "
     "c.connoinherit AND c.contype = 'c' OR c.contype = 'f' AND (c.confmatchtype = 'f' OR "
     "f.relnamespace <> t.relnamespace OR "
     "to_jsonb(c) ->> 'confdelsetcols' IS NOT NULL) OR coalesce(i.indnatts <> i.indnkeyatts AND (c.contype IN "
     "('p', 'x') OR c.contype = 'u' AND i.indnatts - i.indnkeyatts > 8), false), c.condeferrable, "
     "c.condeferred, " NAMES("c.conkey", "c.conrelid") ", " NAMES(
         "c.confkey", "c.confrelid") " FROM pg_catalog.pg_class t JOIN pg_catalog.pg_constraint c ON "
                                     "c.conrelid = t.oid AND c.contype IN "
                                     "('c', 'f', 'p', 'u', 'x') LEFT JOIN pg_catalog.pg_class f ON f.oid = "
                                     "c.confrelid LEFT JOIN pg_catalog.pg_index i "
                                     "ON i.indexrelid = c.conindid WHERE " OURS
                                     " ORDER BY t.relname::text COLLATE \"C\", c.conname::text COLLATE "
                                     "\"C\"",
     8, 3, 2, take_constraint},
    {reflect_index_sql, REFLECT_INDEX_TEXTS, REFLECT_INDEX_FLAGS, REFLECT_INDEX_LISTS, reflect_index},
    {"SELECT t.relname::text, p.polname::text, p.polcmd::text, CASE WHEN p.polroles <> '{0}' THEN (SELECT "
     "string_agg(pg_catalog.quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM pg_catalog.pg_roles r WHERE r.oid = "
     "ANY (p.polroles)) END, pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, "
     "p.polrelid), NOT p.polpermissive FROM pg_catalog.pg_class t JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid "
     "WHERE " OURS " ORDER BY t.relname::text COLLATE \"C\", p.polname::text COLLATE \"C\"",
     6, 1, 0, take_policy},
    /* what is temporary is a scratch place's, see scratch.c */
    {"SELECT t.relname::text, g.tgname::text, replace(pg_catalog.pg_get_triggerdef(g.oid, true), CASE WHEN "
     "p.pronamespace = pg_catalog.pg_my_temp_schema() THEN 'EXECUTE FUNCTION pg_temp.' ELSE 'EXECUTE FUNCTION ' END, "
     "'EXECUTE FUNCTION '), p.prosrc, CASE WHEN p.pronamespace = t.relnamespace THEN p.proname::text END FROM "
     "pg_catalog.pg_class t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal JOIN "
     "pg_catalog.pg_proc p ON p.oid = g.tgfoid WHERE " OURS
     " ORDER BY t.relname::text COLLATE \"C\", g.tgname::text COLLATE \"C\"",
     5, 0, 0, take_trigger},
    {"SELECT y.typname::text, (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e "
     "WHERE e.enumtypid = y.oid) FROM pg_catalog.pg_type y WHERE y.typtype = 'e' AND y.typnamespace = " HERE
     " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = y.oid AND e.classid = "
     "'pg_catalog.pg_type'::regclass AND e.deptype = 'e') ORDER BY y.typname::text COLLATE \"C\"",
     1, 0, 1, take_enum},
};
enum {
    QUERIES = sizeof queries / sizeof *queries,
    FIELDS_MAX = REFLECT_TEXTS_MAX + REFLECT_FLAGS_MAX + REFLECT_LISTS_MAX
};

struct taker {
    struct reflect_reader *k;
    const struct query *q;
};

static int take_row(void *arg, void *obj)
{
    struct taker *t = arg;
    st_err rc = t->q->take(t->k, obj);
    return rc ? rc : 1; /* the strings stay */
}

static void fields_of(const struct query *q, struct st_field fields[static FIELDS_MAX])
{
    size_t n = 0;
    assert(q->texts <= REFLECT_TEXTS_MAX && q->flags <= REFLECT_FLAGS_MAX && q->lists <= REFLECT_LISTS_MAX);
    for (uint32_t i = 0; i < q->texts; i++) {
        fields[n++] = (struct st_field){.type = ST_TEXT,
                                        .nullable = true,
                                        .offset = (uint32_t)(offsetof(struct reflect_row, text) + i * sizeof(char *))};
    }
    for (uint32_t i = 0; i < q->flags; i++) {
        fields[n++] = (struct st_field){.type = ST_BOOL, .offset = (uint32_t)offsetof(struct reflect_row, flag) + i};
    }
    for (uint32_t i = 0; i < q->lists; i++) {
        fields[n++] =
            (struct st_field){.type = ST_TEXTS,
                              .nullable = true,
                              .offset = (uint32_t)(offsetof(struct reflect_row, list) + i * sizeof(st_texts))};
    }
}

/* What needs all of a table to be known: values of enums, defaults, the tenant. */
static st_err finish(struct reflect_reader *k)
{
    st_err rc = 0;
    for (size_t i = 0; i < k->s->n_tables; i++) {
        struct seen_table *t = &k->s->tables[i];
        for (size_t c = 0; !rc && c < t->n_columns; c++) {
            st_table_column *column = &t->columns[c].c;
            for (size_t e = 0; column->enum_type && e < k->s->n_enums; e++) {
                if (strcmp(k->s->enums[e].name, column->enum_type) == 0) {
                    column->values = k->s->enums[e].values;
                }
            }
            rc = seen_take_default(k->a, ST_POSTGRESQL, &t->columns[c]);
            column->tenant = t->rls && t->tenant && strcmp(column->name, t->tenant) == 0;
        }
    }
    return rc;
}

st_err seen_read_pg(st_conn *c, arena *a, int64_t deadline, struct seen_schema *ret)
{
    struct st_stmt stmts[QUERIES + 1] = {migrate_print_plainly(a)};
    struct st_shape shapes[QUERIES];
    struct taker takers[QUERIES];
    struct st_field(*fields)[FIELDS_MAX] = arena_zalloc(a, QUERIES, sizeof *fields);
    struct reflect_reader k = {a, ret};
    if (!fields) {
        return diag_nomem();
    }
    *ret = (struct seen_schema){.dialect = ST_POSTGRESQL};
    for (size_t i = 0; i < QUERIES; i++) {
        const struct query *q = &queries[i];
        fields_of(q, fields[i]);
        shapes[i] = (struct st_shape){fields[i], q->texts + q->flags + q->lists, sizeof(struct reflect_row), 0};
        takers[i] = (struct taker){&k, q};
        stmts[i + 1] = (struct st_stmt){
            .sql = str_of(q->sql), .shape = &shapes[i], .arena = a, .row = take_row, .arg = &takers[i]};
    }
    st_err rc = st_conn_run(c, stmts, QUERIES + 1, deadline, NULL);
    rc = rc ? rc : finish(&k);
    return rc ? diag_wrap(rc, "reading the schema") : 0;
}
