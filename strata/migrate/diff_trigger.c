/* Triggers of a table that both sides have. Several in the database may be one of ours (SQLite). */
#include <errno.h>

#include "strata/migrate/compare.h"

static const st_table_trigger *stated(const st_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_triggers; i++) {
        if (same_word(t->triggers[i].name, name)) {
            return &t->triggers[i];
        }
    }
    return NULL;
}

static const struct seen_trigger *next_of(const struct compare *c, const struct seen_table *t,
                                          const st_table_trigger *g, size_t *at)
{
    while (*at < t->n_triggers) {
        const struct seen_trigger *s = &t->triggers[(*at)++];
        if (ddl_is_trigger(c->out->dialect, g, s->name)) {
            return s;
        }
    }
    return NULL;
}

static bool has_any(const struct compare *c, const struct seen_table *t, const st_table_trigger *g)
{
    size_t at = 0;
    return next_of(c, t, g, &at);
}

/* What the database has of x, on from's side, and of y, on to's, says the same. */
static bool same(struct compare *c, const struct compare_pair *p, const st_table_trigger *x, const st_table_trigger *y,
                 st_err *err)
{
    size_t i = 0, k = 0;
    const struct seen_trigger *mine, *theirs;
    do {
        mine = next_of(c, p->from, x, &i);
        theirs = next_of(c, p->to, y, &k);
    } while (mine && theirs && same_word(mine->name, theirs->name) && same_text(c, p, mine->text, theirs->text, err));
    return !mine && !theirs;
}

static bool moves_any(const struct compare_pair *p)
{
    for (size_t i = 0; i < p->from->n_columns; i++) {
        if (p->moved[i]) {
            return true;
        }
    }
    return false;
}

static bool stays(struct compare *c, const struct compare_pair *p, const char *name, st_err *err)
{
    const st_table_trigger *x = stated(p->from_stated, name), *y = stated(p->to_stated, name);
    bool known = x && y;
    x = x ? x : c->to.models ? y : NULL; /* one that is there, and that no revision made, goes by the models' words */
    y = y ? y : c->from.models ? x : NULL;
    return x && y && !(known && moves_any(p)) && same(c, p, x, y, err);
}

st_err diff_drop_triggers(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from_stated->n_triggers; i++) {
        const st_table_trigger *g = &p->from_stated->triggers[i];
        if (has_any(c, p->from, g) && !stays(c, p, g->name, &rc) && !rc) {
            rc = st_drop_trigger(c->out, p->to->name, g);
        }
    }
    return rc;
}

/* A trigger of the database that no revision made, and that has the place of g. */
static const struct seen_trigger *in_the_way(const struct compare *c, const struct seen_table *of,
                                             const st_table_trigger *g, const struct seen_table **ret)
{
    enum st_dialect d = c->out->dialect;
    for (size_t i = 0; i < c->from.seen->n_tables; i++) {
        const struct seen_table *t = &c->from.seen->tables[i];
        for (size_t k = 0; k < t->n_triggers; k++) {
            const struct seen_trigger *s = &t->triggers[k];
            /* SQLite's names are the schema's; PostgreSQL's the table's, but the function's are the schema's */
            bool place = d == ST_SQLITE || t == of ? ddl_is_trigger(d, g, s->name) : false;
            place |= d == ST_POSTGRESQL && same_word(s->function, g->name);
            bool ours = false;
            for (size_t n = 0; place && n < c->from.tables[i].n_triggers; n++) {
                ours |= ddl_is_trigger(d, &c->from.tables[i].triggers[n], s->name);
            }
            if (place && !ours) {
                *ret = t;
                return s;
            }
        }
    }
    return NULL;
}

st_err diff_make_way(struct compare *c, const struct seen_table *of, const char *table, const st_table_trigger *g)
{
    const struct seen_table *t = NULL;
    const struct seen_trigger *s = c->to.models ? in_the_way(c, of, g, &t) : NULL;
    if (!s) {
        return 0;
    }
    diag_set(ST_E_INVALID,
             "table %s: the trigger %s cannot be made: the table %s has a trigger %s%s that no revision made", table,
             g->name, t->name, s->name, same_word(s->function, g->name) ? ", or one with that function," : "");
    diag_hint("give the model's another name; or drop the other one first, in a revision of your own (st_sql)");
    return ST_E_INVALID;
}

st_err diff_add_triggers(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->to_stated->n_triggers; i++) {
        const st_table_trigger *g = &p->to_stated->triggers[i];
        if (has_any(c, p->to, g) && !stays(c, p, g->name, &rc) && !rc) {
            rc = diff_make_way(c, p->from, p->to->name, g);
            rc = rc ? rc : st_create_trigger(c->out, p->to->name, g);
        }
    }
    return rc;
}
