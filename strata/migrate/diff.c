/* The order in which one schema becomes another: names first, then what goes, then what comes; tables of a cycle with
 * their foreign keys apart. */
#include <errno.h>

#include "strata/migrate/compare.h"

static st_err rename_table(struct compare *c, struct rename_list *l, const char *from, const char *to)
{
    return !to ? diag_nomem()
           : strcmp(from, to) == 0
               ? 0
               : rename_add(c->a, l, (struct rename_item){.kind = RENAME_TABLE, .from = from, .to = to});
}

static st_err rename_column(struct compare *c, struct rename_list *l, const char *table, const char *from,
                            const char *to)
{
    struct rename_item item = {.kind = RENAME_COLUMN, .table = table, .scope = table, .from = from, .to = to};
    return !to ? diag_nomem() : strcmp(from, to) == 0 ? 0 : rename_add(c->a, l, item);
}

static st_err rename_names(struct compare *c)
{
    struct rename_list tables = {0}, columns = {0};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        const struct compare_pair *p = &c->pairs[i];
        rc = rename_table(c, &tables, p->from->name, p->to->name);
        for (size_t k = 0; !rc && k < p->n_renames; k++) {
            rc = rename_column(c, &columns, p->to->name, p->renames[k].from, p->renames[k].to);
        }
        for (size_t k = 0; !rc && k < p->from->n_columns; k++) {
            const char *name = p->from->columns[k].c.name;
            bool gone = !compare_column_to(p, name);
            rc = gone ? rename_column(c, &columns, p->to->name, name, compare_gone_column(c, p, name)) : 0;
        }
    }
    for (size_t i = 0; !rc && i < c->from.seen->n_tables; i++) {
        const char *name = c->from.seen->tables[i].name;
        if (!compare_pair_from(c, name) && !(c->from.skip && c->from.skip[i])) {
            rc = rename_table(c, &tables, name, compare_gone_table(c, name));
        }
    }
    rc = rc ? rc : rename_all(c->a, &tables, c->out);
    return rc ? rc : rename_all(c->a, &columns, c->out);
}

/* Positions of the tables that only side has, parents first as far as there is no cycle. */
static st_err alone(const struct compare *c, bool from, size_t **ret, size_t *ret_n)
{
    const struct compare_side *s = from ? &c->from : &c->to;
    size_t n = s->seen->n_tables, left = 0;
    size_t *order = ARENA_ARRAY(c->a, size_t, n + 1);
    bool *waiting = ARENA_ARRAY(c->a, bool, n + 1);
    if (!order || !waiting) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        const char *name = s->seen->tables[i].name;
        bool paired = from ? compare_pair_from(c, name) : compare_pair_to(c, name);
        waiting[i] = !paired && !(s->skip && s->skip[i]);
        left += waiting[i];
    }
    *ret_n = 0;
    while (left) {
        size_t pick = n, any = n;
        for (size_t i = n; i-- > 0;) {
            bool ready = waiting[i];
            for (size_t k = 0; ready && k < s->seen->tables[i].n_fks; k++) {
                const struct seen_table *parent = seen_find(s->seen, s->seen->tables[i].fks[k].table);
                size_t at = parent ? (size_t)(parent - s->seen->tables) : i;
                ready = at == i || !waiting[at];
            }
            pick = ready ? i : pick;
            any = waiting[i] ? i : any;
        }
        pick = pick < n ? pick : any;
        waiting[pick] = false;
        left--;
        order[(*ret_n)++] = pick;
    }
    *ret = order;
    return 0;
}

/* The position in order, or n. */
static size_t place(const struct compare_side *s, const size_t *order, size_t n, const char *table)
{
    size_t i = 0;
    while (i < n && strcmp(s->seen->tables[order[i]].name, table) != 0) {
        i++;
    }
    return i;
}

/* Keys and triggers of tables that go: a key that points at a table which goes before its own goes first. */
static st_err loosen(struct compare *c, const size_t *order, size_t n)
{
    st_err rc = 0;
    for (size_t i = n; !rc && i-- > 0;) {
        const struct seen_table *t = &c->from.seen->tables[order[i]];
        const st_table *stated = &c->from.tables[order[i]];
        const char *name = compare_gone_table(c, t->name);
        rc = name ? 0 : diag_nomem();
        for (size_t k = 0; !rc && k < t->n_fks; k++) {
            size_t at = place(&c->from, order, n, t->fks[k].table);
            if (at < n && at > i) {
                rc = st_drop_constraint(c->out, name, ST_C_FK, t->fks[k].name);
            }
        }
        for (size_t k = 0; !rc && k < stated->n_triggers; k++) {
            rc = st_drop_trigger(c->out, name, &stated->triggers[k]);
        }
    }
    return rc;
}

static st_err drop_tables(struct compare *c)
{
    size_t *order = NULL, n = 0;
    st_err rc = alone(c, true, &order, &n);
    rc = rc ? rc : loosen(c, order, n);
    for (size_t i = n; !rc && i-- > 0;) {
        const char *name = compare_gone_table(c, c->from.seen->tables[order[i]].name);
        rc = name ? st_drop_table(c->out, name) : diag_nomem();
    }
    return rc;
}

/* What another has the former name of says so where it is made: a ring that has never turned looks the same. */
static st_err create_table(struct compare *c, const st_table *stated)
{
    st_table t = *stated;
    st_table_column *columns = ARENA_ARRAY(c->a, st_table_column, t.n_columns + 1);
    if (!columns) {
        return diag_nomem();
    }
    for (size_t i = 0; i < t.n_columns; i++) {
        columns[i] = t.columns[i];
        columns[i].was = columns[i].was && migrate_column(stated, columns[i].was) ? columns[i].was : NULL;
    }
    t.columns = columns;
    t.was = t.was && seen_find(c->to.seen, t.was) ? t.was : NULL;
    return st_create_table(c->out, &t);
}

static st_err create_tables(struct compare *c)
{
    size_t *order, n;
    st_err rc = alone(c, false, &order, &n);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct seen_table *t = &c->to.seen->tables[order[i]];
        const st_table *stated = &c->to.tables[order[i]];
        for (size_t k = 0; !rc && k < stated->n_triggers; k++) {
            rc = diff_make_way(c, NULL, t->name, &stated->triggers[k]);
        }
        rc = rc ? rc : create_table(c, stated);
        for (size_t k = 0; !rc && !c->to.models && k < t->n_others; k++) {
            rc = t->others[k].sql ? st_sql(c->out, c->to.seen->dialect, t->others[k].sql) : 0;
        }
    }
    return rc;
}

typedef st_err each_fn(struct compare *c, const struct compare_pair *p);

static st_err each(struct compare *c, each_fn *fn)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        rc = fn(c, &c->pairs[i]);
    }
    return rc;
}

static st_err rename_parts(struct compare *c, bool after)
{
    struct rename_list l = {0};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        rc = diff_names(c, &c->pairs[i], after, &l);
    }
    return rc ? rc : rename_all(c->a, &l, c->out);
}

st_err compare_run(struct compare *c)
{
    struct compare_pair *pairs = ARENA_ARRAY(c->a, struct compare_pair, c->n_pairs + 1);
    if (!pairs) {
        return diag_nomem();
    }
    if (c->n_pairs) {
        memcpy(pairs, c->pairs, c->n_pairs * sizeof *pairs);
    }
    c->pairs = pairs;
    st_err rc = compare_parts(c, pairs);
    rc = rc ? rc : rename_names(c);
    rc = rc ? rc : each(c, diff_drop_keys);
    rc = rc ? rc : each(c, diff_drop_parts);
    rc = rc ? rc : drop_tables(c);
    rc = rc ? rc : rename_parts(c, false);
    rc = rc ? rc : diff_enums_before(c);
    rc = rc ? rc : each(c, diff_columns);
    rc = rc ? rc : rename_parts(c, true);
    rc = rc ? rc : each(c, diff_defer_keys);
    rc = rc ? rc : each(c, diff_add_parts);
    rc = rc ? rc : create_tables(c); /* their keys may point at what has just come */
    rc = rc ? rc : each(c, diff_defer_fks);
    rc = rc ? rc : each(c, diff_add_keys);
    rc = rc ? rc : diff_enums_after(c);
    return rc ? diag_wrap(rc, "comparing the models with the database") : 0;
}
