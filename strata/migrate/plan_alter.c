/* ALTER COLUMN on PostgreSQL: a statement for each thing in which the column differs. */
#include <assert.h>

#include "strata/migrate/plan_safe.h"

struct altering {
    struct migrate_planner *p;
    const struct migrate_op *op;
    const st_table_column *was, *is;
    const char *convert;
    bool recipe;       /* the table is in use */
    bool type;         /* changes */
    bool default_gone; /* and is perhaps set again */
    size_t n_staying;  /* CHECKs of the column that both sides have */
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
        if (stays && !(k->recipe && k->type)) { /* else PostgreSQL would check the rows again at once */
            k->n_staying += drop;
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

/* What is checked or sorted anew although the rows stay as they are: CHECKs that name the column (its own come and go
 * beside it), and indexes of it when its order changes. */
static st_err guard_readers(struct altering *k, const char *old_type, const char *type)
{
    bool order = (strstr(old_type, "COLLATE") != NULL) != (strstr(type, "COLLATE") != NULL);
    struct ddl_check own[DDL_CHECKS_MAX];
    size_t n;
    st_err rc = ddl_checks(ST_POSTGRESQL, k->op->table, k->was, k->p->a, own, &n);
    if (rc) {
        return rc;
    }
    buf b BUF_AUTO, table BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    buf_init(&table, 4096);
    ddl_ident(&table, k->op->table);
    buf_puts(&b,
             "SELECT name FROM (SELECT coalesce((SELECT 'constraint ' || conname FROM pg_catalog.pg_constraint JOIN "
             "pg_catalog.pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) WHERE contype = 'c' AND "
             "conrelid = t.oid AND attname = ");
    ddl_string(&b, k->is->name);
    for (size_t i = 0; i < n; i++) {
        buf_puts(&b, " AND conname <> ");
        ddl_string(&b, own[i].name);
    }
    buf_puts(&b, " LIMIT 1)");
    if (order) {
        buf_puts(&b, ", (SELECT 'index ' || indexrelid::regclass::text FROM pg_catalog.pg_index JOIN "
                     "pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = t.oid "
                     "AND attname = ");
        ddl_string(&b, k->is->name);
        buf_puts(&b, " LIMIT 1)");
    }
    buf_puts(&b, ") AS name FROM pg_catalog.pg_class AS t WHERE oid = to_regclass(");
    ddl_string(&b, table.p);
    buf_puts(&b, ") AND pg_table_size(oid) > 1048576) AS found WHERE name IS NOT NULL");
    const char *what = arena_printf(k->p->a,
                                    "another type of %s reads the whole table again while nobody can read or write; "
                                    "drop this before it and make it again behind it: ",
                                    k->is->name);
    return b.err || table.err || !what ? diag_nomem() : migrate_safe_guard(k->p, k->op, &b, what);
}

/* Behind the last statement: what it does to the rows is known. */
static void keeps_rows(struct altering *k, bool checked)
{
    struct migrate_step *s = &k->p->plan->steps[k->p->plan->n - 1];
    s->keeps = true;
    s->scans = checked;
}

static st_err change_type(struct altering *k, const char *old_type, const char *type)
{
    bool plain = !k->convert && migrate_same_bytes(old_type, type);
    if (k->recipe && !plain) {
        const char *what = arena_printf(k->p->a,
                                        "another type of %s rewrites the table while nobody can read or write: use "
                                        "st_parallel_begin, or upgrade with --unsafe",
                                        k->is->name);
        st_err rc = what ? migrate_safe_rewrite(k->p, k->op, what) : diag_nomem();
        if (rc) {
            return rc;
        }
    } else if (k->recipe) {
        st_err rc = guard_readers(k, old_type, type);
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
    st_err rc = add(k);
    if (!rc && plain) {
        keeps_rows(k, k->n_staying > 0);
    }
    return rc;
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

/* The highest number is read under the lock that sets the identity. Looked at there and not before everything else, for
 * the revision may itself make the index, or the column. */
static st_err guard_highest(struct altering *k, const char *table)
{
    const char *what = arena_printf(k->p->a,
                                    "%s is numbered on from its highest number, and to find that the whole table would "
                                    "be read while nobody can read or write; make an index of %s before it, which may "
                                    "go again behind it, or upgrade with --unsafe; the table has ",
                                    k->is->name, k->is->name);
    buf *b = &k->p->sql;
    buf_puts(b, "SELECT pg_size_pretty(pg_table_size(t.oid)) FROM pg_catalog.pg_class AS t JOIN "
                "pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attname = ");
    ddl_string(b, k->is->name);
    buf_puts(b, " WHERE t.oid = to_regclass(");
    ddl_string(b, table);
    buf_puts(b, ") AND pg_table_size(t.oid) > 1048576 AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i JOIN "
                "pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = c.relam WHERE "
                "i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND "
                "m.amname = 'btree')");
    return what ? migrate_planner_add(k->p, what, k->op) : diag_nomem();
}

static st_err identity(struct altering *k)
{
    if (k->was->identity == k->is->identity) {
        return 0;
    }
    if (!k->is->identity) {
        return say(k, "DROP IDENTITY");
    }
    buf table BUF_AUTO;
    buf_init(&table, 4096);
    ddl_ident(&table, k->op->table);
    st_err rc = table.err ? diag_nomem() : k->recipe ? guard_highest(k, table.p) : 0;
    rc = rc ? rc : say(k, "ADD GENERATED BY DEFAULT AS IDENTITY");
    if (rc) {
        return rc;
    }
    buf *b = &k->p->sql;
    buf_puts(b, "DO $$ BEGIN PERFORM setval(pg_get_serial_sequence(");
    ddl_string(b, table.p);
    buf_puts(b, ", ");
    ddl_string(b, k->is->name);
    buf_puts(b, "), greatest(coalesce(max(");
    ddl_ident(b, k->is->name);
    buf_printf(b, "), 0) + 1, 1), false) FROM %s; END $$", table.p);
    return add(k);
}

st_err migrate_plan_identity(struct migrate_planner *p, const struct migrate_op *op)
{
    struct altering k = {.p = p, .op = op, .was = op->alter.was, .is = op->alter.is, .recipe = true};
    return identity(&k);
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
    if (!rc && k.is->identity && !k.was->identity) {
        if (k.recipe && k.was->nullable) { /* NOT NULL comes later, and this behind it */
            p->safe->later[p->safe->n_later - 1].identity = op;
        } else {
            rc = identity(&k);
        }
    }
    rc = rc ? rc : checks(&k, false);
    if (!rc && !same(k.was->comment, k.is->comment)) {
        ddl_comment(&p->sql, op->table, k.is->name, k.is->comment);
        rc = add(&k);
    }
    return rc;
}
