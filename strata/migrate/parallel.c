/* Parallel columns: operations made of simpler ones. */
#include "strata/migrate/parallel.h"

enum stage { FILLING, COMPLETE, SWAPPED };

static const char *legacy(st_ops *o, const st_parallel *p)
{
    const char *name = arena_printf(o->a, "%s_legacy", p->was->name);
    if (!name) {
        migrate_op_fail(o, diag_nomem());
    }
    return name;
}

static struct pair pair_at(st_ops *o, const st_parallel *p, enum stage stage)
{
    return (struct pair){.o = o,
                         .p = p,
                         .d = st_ops_dialect(o),
                         .from = stage == SWAPPED ? legacy(o, p) : p->was->name,
                         .to = stage == SWAPPED ? p->was->name : p->is->name,
                         .otherwise = stage == FILLING ? NULL : p->otherwise};
}

static st_err check(st_ops *o, const st_parallel *p)
{
    if (o->err) {
        return o->err;
    }
    if (!p->table || !p->was || !p->is || !p->was->name || !p->is->name) {
        return migrate_op_fail(o, diag_set(ST_E_INVALID, "a parallel column needs .table, .was and .is"));
    }
    if (strcmp(p->was->name, p->is->name) == 0) {
        diag_set(ST_E_INVALID, "table %s: the parallel column of %s needs a name of its own until the swap", p->table,
                 p->was->name);
        return migrate_op_fail(o, ST_E_INVALID);
    }
    const struct pair x = {.o = o, .p = p, .d = st_ops_dialect(o)};
    if (!p->otherwise && !pair_converts(&x)) {
        diag_set(ST_E_INVALID, "table %s: how %s becomes %s is not known", p->table, p->was->name, p->is->name);
        diag_hint("say it in .forward, with {} for the value, or give every row a new value with .otherwise");
        return migrate_op_fail(o, ST_E_INVALID);
    }
    return 0;
}

/* SQLite fills the old column only after the row is there, so until then it must do without a value. */
static st_err may_be_left_out(const struct pair *x, bool may)
{
    const st_table_column *was = x->p->was;
    if (x->d != ST_SQLITE || was->nullable || was->default_sql || was->identity || !pair_writes_back(x)) {
        return 0;
    }
    st_table_column loose = *was, strict = *was;
    loose.name = strict.name = x->from;
    if (!was->pk) {
        loose.nullable = true;
    } else if (was->type == ST_TEXT) {
        loose.default_sql = PAIR_PLACEHOLDER;
    } else {
        return 0; /* a key of numbers is numbered by SQLite */
    }
    return st_alter_column(x->o, x->p->table, may ? &strict : &loose, may ? &loose : &strict, NULL);
}

static void fill_value(const struct pair *x, buf *b)
{
    ddl_ident(b, x->to);
    buf_puts(b, " = ");
    pair_forward_or(x, b, "", NULL);
}

static void fill_where(const struct pair *x, buf *b)
{
    ddl_ident(b, x->to);
    buf_puts(b, " IS NULL");
    if (!x->otherwise) {
        buf_puts(b, " AND ");
        pair_has_value(x, b);
    }
}

static void fill_left(const struct pair *x, buf *b)
{
    ddl_ident(b, x->to);
    buf_puts(b, " IS NULL AND ");
    ddl_ident(b, x->from);
    buf_puts(b, " IS NOT NULL");
}

static st_err fill(const struct pair *x)
{
    if (!x->otherwise && !pair_converts(x)) {
        return 0;
    }
    const st_backfill b = {.name = arena_printf(x->o->a, "fill %s.%s", x->p->table, x->to),
                           .table = x->p->table,
                           .set = pair_spell(x, fill_value),
                           .where = pair_spell(x, fill_where),
                           .left = pair_spell(x, fill_left)};
    return x->o->err ? x->o->err : st_run_backfill(x->o, &b);
}

/* The new column under a name, as it is while it may be empty or in the end. */
static st_table_column new_column(const struct pair *x, bool in_the_end)
{
    st_table_column c = *x->p->is;
    c.name = x->to;
    c.nullable = !in_the_end || x->p->is->nullable;
    c.pk = false;
    c.default_sql = in_the_end ? c.default_sql : NULL;
    return c;
}

/* NOT NULL, when that is what it is to be. SQLite fills the new column only after the row is there, so there it waits
 * for the swap, when programs that leave it out are gone. */
static st_err make_strict(const struct pair *x, bool strictly)
{
    const st_table_column loose = new_column(x, false), strict = new_column(x, true);
    return x->p->is->nullable && !x->p->is->default_sql
               ? 0
               : st_alter_column(x->o, x->p->table, strictly ? &loose : &strict, strictly ? &strict : &loose, NULL);
}

static st_err add_and_fill(const struct pair *x)
{
    const st_table_column c = new_column(x, false);
    st_err rc = may_be_left_out(x, true);
    rc = rc ? rc : pair_add_column(x, &c);
    return rc ? rc : fill(x);
}

st_err st_parallel_begin(st_ops *o, const st_parallel *p)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, p)) {
        return o->err;
    }
    const struct pair x = pair_at(o, p, FILLING);
    return add_and_fill(&x);
}

st_err st_parallel_abort(st_ops *o, const st_parallel *p)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, p)) {
        return o->err;
    }
    const struct pair x = pair_at(o, p, FILLING);
    st_err rc = pair_in_step(&x, false);
    rc = rc ? rc : may_be_left_out(&x, false);
    return rc ? rc : st_drop_column(o, p->table, x.to);
}

static st_err restep(st_ops *o, const st_parallel *p, enum stage was, enum stage is)
{
    if (!p->otherwise) { /* the two are kept in step alike */
        return 0;
    }
    const struct pair x = pair_at(o, p, was), y = pair_at(o, p, is);
    st_err rc = pair_in_step(&x, false);
    return rc ? rc : pair_in_step(&y, true);
}

st_err st_parallel_complete(st_ops *o, const st_parallel *p)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, p)) {
        return o->err;
    }
    const struct pair x = pair_at(o, p, COMPLETE);
    st_err rc = restep(o, p, FILLING, COMPLETE);
    rc = rc || !p->otherwise ? rc : fill(&x);
    return rc || x.d == ST_SQLITE ? rc : make_strict(&x, true);
}

st_err st_parallel_reopen(st_ops *o, const st_parallel *p)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, p)) {
        return o->err;
    }
    const struct pair x = pair_at(o, p, COMPLETE);
    st_err rc = x.d == ST_SQLITE ? 0 : make_strict(&x, false);
    return rc ? rc : restep(o, p, COMPLETE, FILLING);
}

st_err migrate_parallel_step(st_ops *o, const st_parallel *p, bool swapped, bool make)
{
    const struct pair x = pair_at(o, p, swapped ? SWAPPED : COMPLETE);
    return o->err ? o->err : pair_in_step(&x, make);
}

st_err migrate_parallel_rename(st_ops *o, const st_parallel *p, bool back)
{
    const struct pair x = pair_at(o, p, COMPLETE), y = pair_at(o, p, SWAPPED);
    if (o->err) {
        return o->err;
    }
    bool lite = x.d == ST_SQLITE;
    st_err rc = lite && back ? make_strict(&y, false) : 0;
    rc = rc ? rc : back ? st_rename_column(o, p->table, y.to, x.to) : st_rename_column(o, p->table, x.from, y.from);
    rc = rc ? rc : back ? st_rename_column(o, p->table, y.from, x.from) : st_rename_column(o, p->table, x.to, y.to);
    return rc || !lite || back ? rc : make_strict(&y, true);
}

st_err migrate_parallel_index(st_ops *o, const st_parallel *p, bool make)
{
    return check(o, p) ? o->err : pair_index(o, p, p->is->name, make);
}

static st_err swap(st_ops *o, const st_parallel *p, bool back)
{
    MIGRATE_ONE_CALL(o);
    st_err rc = check(o, p);
    rc = rc ? rc : migrate_parallel_step(o, p, back, false);
    rc = rc ? rc : migrate_parallel_rename(o, p, back);
    return rc ? rc : migrate_parallel_step(o, p, !back, true);
}

st_err st_parallel_swap(st_ops *o, const st_parallel *p)
{
    return swap(o, p, false);
}

st_err st_parallel_swap_back(st_ops *o, const st_parallel *p)
{
    return swap(o, p, true);
}

st_err st_parallel_end(st_ops *o, const st_parallel *p)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, p)) {
        return o->err;
    }
    const struct pair x = pair_at(o, p, SWAPPED);
    st_err rc = o->err ? o->err : pair_in_step(&x, false);
    return rc ? rc : st_drop_column(o, p->table, x.from);
}

static void restored_value(const struct pair *x, buf *b)
{
    ddl_ident(b, x->from);
    buf_puts(b, " = ");
    pair_backward(x, b, "");
}

static void restored_where(const struct pair *x, buf *b)
{
    ddl_ident(b, x->from);
    buf_puts(b, " IS NULL AND ");
    ddl_ident(b, x->to);
    buf_puts(b, " IS NOT NULL");
}

st_err st_parallel_restore(st_ops *o, const st_parallel *p)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, p)) {
        return o->err;
    }
    const struct pair x = pair_at(o, p, SWAPPED);
    if (!o->err && !pair_writes_back(&x)) {
        diag_set(ST_E_INVALID,
                 "table %s: the values of %s went with the column, and nothing says how they are made again", p->table,
                 p->was->name);
        diag_hint("say it in .backward, with {} for the new value");
        return migrate_op_fail(o, ST_E_INVALID);
    }
    st_table_column loose = *p->was, strict = *p->was;
    loose.name = strict.name = x.from;
    loose.nullable = true;
    loose.pk = strict.pk = false;
    loose.default_sql = NULL;
    loose.identity = false;                                    /* rows get theirs from the new column */
    strict.identity = strict.identity && x.d == ST_POSTGRESQL; /* SQLite's counts a key alone: see st_swap_key */
    if (x.d == ST_SQLITE && !strict.nullable && !strict.default_sql) { /* as after the swap; see may_be_left_out */
        bool text_key = p->was->pk && p->was->type == ST_TEXT;
        strict.default_sql = text_key ? PAIR_PLACEHOLDER : NULL;
        strict.nullable = !text_key;
    }
    st_err rc = o->err ? o->err : st_add_column(o, p->table, &loose);
    rc = rc ? rc : pair_in_step(&x, true);
    const st_backfill b = {.name = arena_printf(o->a, "fill %s.%s", p->table, x.from),
                           .table = p->table,
                           .set = pair_spell(&x, restored_value),
                           .where = pair_spell(&x, restored_where),
                           .left = pair_spell(&x, restored_where)};
    rc = rc ? rc : o->err ? o->err : st_run_backfill(o, &b);
    return rc ? rc : st_alter_column(o, p->table, &loose, &strict, NULL);
}
