/* ALTER COLUMN on PostgreSQL: a statement for each thing in which the column differs. */
#include <assert.h>
#include <strings.h>

#include "strata/migrate/plan_safe.h"

struct altering {
    struct migrate_planner *p;
    const struct migrate_op *op;
    const st_table_column *was, *is;
    const char *convert;
    bool recipe;       /* the table is in use */
    bool type;         /* changes */
    bool default_gone; /* and is perhaps set again */
};

static bool same(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

static st_err add(struct altering *k)
{
    return migrate_planner_add(k->p, NULL, k->op);
}

static buf *alter_column(struct altering *k)
{
    buf *b = &k->p->sql;
    ddl_alter(b, k->op->table);
    buf_puts(b, "ALTER COLUMN ");
    ddl_ident(b, k->is->name);
    buf_put_char(b, ' ');
    return b;
}

static st_err say(struct altering *k, const char *what)
{
    buf_puts(alter_column(k), what);
    return add(k);
}

/* The text of a column's type or default, in the planner's arena. */
static const char *spelled(struct altering *k, const st_table_column *c, bool type)
{
    if (!type && !c->default_sql) {
        return "";
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    if (type) {
        ddl_type(&b, ST_POSTGRESQL, c);
    } else {
        ddl_default(&b, ST_POSTGRESQL, c);
    }
    return migrate_text(k->p->a, &b);
}

/* What one of the two has and the other has not: dropped from was, added to is. */
static st_err checks(struct altering *k, bool drop)
{
    struct ddl_check old[DDL_CHECKS_MAX], new[DDL_CHECKS_MAX];
    size_t n_old, n_new;
    st_err rc = ddl_checks(ST_POSTGRESQL, k->op->table, k->was, k->p->a, old, &n_old);
    rc = rc ? rc : ddl_checks(ST_POSTGRESQL, k->op->table, k->is, k->p->a, new, &n_new);
    if (rc) {
        return rc;
    }
    const struct ddl_check *mine = drop ? old : new, *other = drop ? new : old;
    size_t n = drop ? n_old : n_new, n_other = drop ? n_new : n_old;
    for (size_t i = 0; !rc && i < n; i++) {
        bool stays = false;
        for (size_t j = 0; j < n_other; j++) {
            stays = stays || (same(mine[i].name, other[j].name) && same(mine[i].sql, other[j].sql));
        }
        if (stays) {
            continue;
        }
        if (!drop && k->recipe) {
            rc = migrate_safe_check(k->p, k->op, mine[i].name, mine[i].sql);
            continue;
        }
        buf *b = &k->p->sql;
        ddl_alter(b, k->op->table);
        if (drop) {
            buf_puts(b, "DROP CONSTRAINT ");
            ddl_ident(b, mine[i].name);
        } else {
            buf_puts(b, "ADD ");
            ddl_check(b, &(const st_table_check){mine[i].name, mine[i].sql, false});
        }
        rc = add(k);
    }
    return rc;
}

/* "varchar(20)": its length; 0: none; -1: it is no varchar. */
static int64_t varchar_length(const char *type)
{
    static const char *const words[] = {"character varying", "varchar"};
    uint64_t n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if (strncasecmp(type, words[i], len) == 0) {
            const char *rest = type + len + strspn(type + len, " ");
            return !*rest                                                                               ? 0
                   : *rest == '(' && str_to_u64((str){rest + 1, strcspn(rest + 1, ")")}, INT32_MAX, &n) ? (int64_t)n
                                                                                                        : -1;
        }
    }
    return -1;
}

/* Whether the values are in the same bytes afterwards, so that PostgreSQL leaves the rows alone. */
static bool same_bytes(const char *old_type, const char *type)
{
    int64_t old = varchar_length(old_type), new = varchar_length(type);
    return old >= 0 && (strncasecmp(type, "text", 4) == 0 || new == 0 || (old > 0 && new >= old));
}

static st_err change_type(struct altering *k, const char *old_type, const char *type)
{
    bool plain = !k->convert && same_bytes(old_type, type);
    if (k->recipe && !plain) {
        const char *what = arena_printf(k->p->a,
                                        "another type of %s rewrites the table while nobody can read or write: use "
                                        "st_parallel_begin, or upgrade with --unsafe",
                                        k->is->name);
        st_err rc = what ? migrate_safe_rewrite(k->p, k->op, what) : diag_nomem();
        if (rc) {
            return rc;
        }
    }
    buf *b = alter_column(k);
    buf_printf(b, "TYPE %s", type);
    if (k->convert) {
        buf_printf(b, " USING (%s)", k->convert);
    } else if (!plain) { /* with USING it would look at every row */
        buf_puts(b, " USING ");
        ddl_ident(b, k->is->name);
        buf_printf(b, "::%s", type);
    }
    return add(k);
}

static st_err change_null(struct altering *k)
{
    if (k->was->nullable == k->is->nullable) {
        return 0;
    }
    return k->is->nullable ? say(k, "DROP NOT NULL")
           : k->recipe     ? migrate_safe_not_null(k->p, k->op, k->is->name)
                           : say(k, "SET NOT NULL");
}

static st_err identity(struct altering *k)
{
    if (k->was->identity == k->is->identity) {
        return 0;
    }
    if (!k->is->identity) {
        return say(k, "DROP IDENTITY");
    }
    st_err rc = say(k, "ADD GENERATED BY DEFAULT AS IDENTITY");
    if (rc) {
        return rc;
    }
    buf table BUF_AUTO;
    buf_init(&table, 4096);
    ddl_ident(&table, k->op->table);
    buf *b = &k->p->sql;
    buf_puts(b, "DO $$ BEGIN PERFORM setval(pg_get_serial_sequence(");
    ddl_string(b, table.p);
    buf_puts(b, ", ");
    ddl_string(b, k->is->name);
    buf_puts(b, "), greatest(coalesce(max(");
    ddl_ident(b, k->is->name);
    buf_printf(b, "), 0) + 1, 1), false) FROM %s; END $$", table.p);
    b->err = b->err ? b->err : table.err;
    return add(k);
}

/* A column that is there cannot become a generated one in place. Indexes of it would go without a word. */
static st_err make_anew(struct altering *k)
{
    if (k->recipe) {
        st_err refused =
            migrate_safe_rewrite(k->p, k->op,
                                 "a column that becomes computed is written anew for every row while nobody "
                                 "can read or write: upgrade with --unsafe, or fill it by a trigger and a "
                                 "backfill");
        if (refused) {
            return refused;
        }
    }
    buf *b = &k->p->sql;
    buf_puts(b,
             "SELECT i.indexrelid::regclass::text FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a ON "
             "a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE a.attname = ");
    ddl_string(b, k->is->name);
    buf table BUF_AUTO;
    buf_init(&table, 4096);
    ddl_ident(&table, k->op->table);
    buf_puts(b, " AND i.indrelid = ");
    ddl_string(b, table.p);
    buf_puts(b, "::regclass LIMIT 1");
    b->err = b->err ? b->err : table.err;
    st_err rc = migrate_planner_add(
        k->p,
        "a column that becomes generated is made anew; drop this index of it before and create it after: ", k->op);
    if (!rc) {
        ddl_alter(b, k->op->table);
        buf_puts(b, "DROP COLUMN ");
        ddl_ident(b, k->is->name);
        rc = add(k);
    }
    rc = rc ? rc : ddl_add_column(b, ST_POSTGRESQL, k->op->table, k->is, k->p->a);
    rc = rc ? rc : add(k);
    if (!rc && k->is->comment) {
        ddl_comment(b, k->op->table, k->is->name, k->is->comment);
        rc = add(k);
    }
    return rc;
}

/* Values of an enum in text may be renamed without another type; those of a native one are renamed by the type. */
static bool converts(const st_table_column *was, const st_table_column *is, const char *convert)
{
    return convert && !(was->enum_type && same(was->enum_type, is->enum_type));
}

st_err migrate_plan_alter(struct migrate_planner *p, const struct migrate_op *op)
{
    struct altering k = {.p = p, .op = op, .was = op->alter.was, .is = op->alter.is, .convert = op->alter.convert};
    assert(strcmp(k.was->name, k.is->name) == 0);
    k.recipe = migrate_needs_recipe(p, op);
    if (k.is->generated && !same(k.was->generated, k.is->generated)) {
        return make_anew(&k);
    }
    const char *old_type = spelled(&k, k.was, true), *type = spelled(&k, k.is, true);
    const char *old_default = spelled(&k, k.was, false), *new_default = spelled(&k, k.is, false);
    if (!old_type || !type || !old_default || !new_default) {
        return diag_nomem();
    }
    k.type = strcmp(old_type, type) != 0 || converts(k.was, k.is, k.convert);
    k.default_gone = *old_default && (k.type || strcmp(old_default, new_default) != 0);
    st_err rc = checks(&k, true);
    rc = rc || !(k.was->generated && !k.is->generated) ? rc : say(&k, "DROP EXPRESSION");
    rc = rc || !k.default_gone ? rc : say(&k, "DROP DEFAULT");
    rc = rc || !(k.was->identity && !k.is->identity) ? rc : identity(&k);
    rc = rc || !k.type ? rc : change_type(&k, old_type, type);
    if (!rc && *new_default && (k.default_gone || strcmp(old_default, new_default) != 0)) {
        buf_printf(alter_column(&k), "SET DEFAULT %s", new_default);
        rc = add(&k);
    }
    rc = rc ? rc : change_null(&k);
    rc = rc || !(k.is->identity && !k.was->identity) ? rc : identity(&k);
    rc = rc ? rc : checks(&k, false);
    if (!rc && !same(k.was->comment, k.is->comment)) {
        ddl_comment(&p->sql, op->table, k.is->name, k.is->comment);
        rc = add(&k);
    }
    return rc;
}
