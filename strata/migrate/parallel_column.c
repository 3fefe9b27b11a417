/* How the new column of a pair comes.
 *
 * On PostgreSQL its index is built outside of transactions, so there is a time when the column is there and its index
 * is not. Until then it has a name that no program knows, and it gets its own in the transaction that makes the
 * triggers: a program that finds the column finds it indexed and in step. */
#include "strata/migrate/parallel.h"

bool pair_indexed(const st_parallel *p)
{
    return p->indexed || p->was->pk;
}

static const char *derived(st_ops *o, const char *table, const char *column, const char *suffix)
{
    const char *name = migrate_name(o->a, table, (const char *const[]){column, NULL}, NULL, suffix);
    if (!name) {
        migrate_op_fail(o, diag_nomem());
    }
    return name;
}

/* Not unique: values that differ as text may be one uuid, which no running program is to stumble over. */
st_err pair_index(st_ops *o, const st_parallel *p, const char *column, bool make)
{
    const char *name = derived(o, p->table, p->is->name, "idx");
    const st_table_index i = {.name = name, .columns = {column}, .how = {""}};
    return o->err || !pair_indexed(p) ? o->err
           : make                     ? st_create_index(o, p->table, &i)
                                      : st_drop_index(o, p->table, name);
}

/* The column without its CHECKs, which may name it, under another name; st_create_index comes right behind. */
static st_err add_hidden(const struct pair *x, const st_table_column *c, const char *hidden)
{
    st_table_column bare = *c;
    bare.name = hidden;
    bare.max = 0;
    bare.min_value = bare.max_value = NULL;
    bare.check = NULL;
    if (bare.type == ST_ENUM && !bare.enum_type) {
        bare.type = bare.as_smallint ? ST_INT16 : ST_TEXT;
        bare.values = NULL;
    }
    st_err rc = x->o->err ? x->o->err : st_add_column(x->o, x->p->table, &bare);
    return rc ? rc : pair_index(x->o, x->p, hidden, true);
}

static st_err add_checks(const struct pair *x, const st_table_column *c)
{
    struct ddl_check checks[DDL_CHECKS_MAX];
    size_t n = 0;
    st_err rc = x->o->err ? x->o->err : ddl_checks(x->d, x->p->table, c, x->o->a, checks, &n);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = st_add_check(x->o, x->p->table, &(const st_table_check){.name = checks[i].name, .sql = checks[i].sql});
    }
    return rc ? migrate_op_fail(x->o, rc) : 0;
}

st_err pair_add_column(const struct pair *x, const st_table_column *c)
{
    st_ops *o = x->o;
    if (o->err || x->d == ST_SQLITE || !pair_indexed(x->p)) {
        st_err rc = o->err ? o->err : st_add_column(o, x->p->table, c);
        rc = rc ? rc : pair_index(o, x->p, c->name, true);
        return rc ? rc : pair_in_step(x, true);
    }
    const char *hidden = derived(o, x->p->table, c->name, "strata");
    st_err rc = add_hidden(x, c, hidden);
    rc = rc ? rc : st_rename_column(o, x->p->table, hidden, c->name);
    rc = rc ? rc : pair_in_step(x, true);
    return rc ? rc : add_checks(x, c);
}
