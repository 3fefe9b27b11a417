/* Both sides of the comparison, read in one transaction that changes nothing. */
#include "strata/migrate/autogen.h"

#include <errno.h>

#include "strata/migrate/history.h"

struct maker {
    arena *a;
    const struct st_migrations *m;
    struct history history;
    struct seen_schema seen_db, seen_models;
    struct compare_side db, models;
};

bool autogen_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *back = NULL; /* the last star and where it began to match */
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            back = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return !*pattern;
}

bool autogen_matches_any(const char *const *patterns, const char *name)
{
    for (; patterns && *patterns; patterns++) {
        if (autogen_matches(*patterns, name)) {
            return true;
        }
    }
    return false;
}

static size_t models_of(const struct st_migrations *m)
{
    size_t n = 0;
    while (m->models && m->models[n]) {
        n++;
    }
    return n;
}

st_err autogen_enums(arena *a, const st_table *tables, size_t n, const st_enum_type **ret, size_t *ret_n)
{
    st_enum_type *v = NULL;
    size_t room = 0;
    *ret_n = 0;
    st_err rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        for (size_t k = 0; !rc && k < tables[i].n_columns; k++) {
            const st_table_column *c = &tables[i].columns[k];
            size_t at = 0;
            while (c->enum_type && at < *ret_n && strcmp(v[at].name, c->enum_type) != 0) {
                at++;
            }
            if (c->enum_type && at == *ret_n && !(rc = migrate_grow(a, &v, *ret_n, &room, sizeof *v))) {
                v[(*ret_n)++] = (st_enum_type){c->enum_type, c->values};
            }
        }
    }
    *ret = v;
    return rc;
}

/* The models' statements in the order in which their tables were read. */
static st_err order_models(struct maker *k, const st_table *tables, size_t n)
{
    st_table *stated = ARENA_ARRAY(k->a, st_table, k->seen_models.n_tables + 1);
    if (!stated) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        const struct seen_table *t = seen_find(&k->seen_models, tables[i].name);
        if (!t) {
            return diag_set(ST_E_SCHEMA, "the table %s was made and is not there", tables[i].name);
        }
        stated[t - k->seen_models.tables] = tables[i];
    }
    k->models.models = true;
    k->models.seen = &k->seen_models;
    k->models.tables = stated;
    return 0;
}

static st_err read_both(struct maker *k, st_conn *c, const struct migrate_graph *g, int64_t deadline)
{
    const st_table *tables;
    const st_enum_type *enums;
    size_t n;
    struct migrate_state state;
    bool *applied = ARENA_ARRAY(k->a, bool, g->n + 1);
    st_err rc = applied ? migrate_state_read(c, k->a, deadline, &state) : diag_nomem();
    rc = rc ? rc : migrate_state_flags(g, &state, applied);
    rc = rc ? rc : history_read(k->a, st_conn_dialect(c), g, applied, &k->history);
    rc = rc ? rc : seen_read(c, k->a, deadline, &k->seen_db);
    rc = rc ? rc : st_tables_of_models(k->a, k->m->models, models_of(k->m), &tables, &n);
    rc = rc ? rc : autogen_enums(k->a, tables, n, &enums, &k->models.n_enums);
    if (rc) {
        return rc;
    }
    k->models.enums = enums;
    rc = seen_of_tables(c, k->a, tables, n, enums, k->models.n_enums, deadline, &k->seen_models);
    return rc ? rc : order_models(k, tables, n);
}

/* A table of nobody's, or one of others, is left alone. */
static bool is_ours(const struct maker *k, const struct seen_table *t)
{
    if (t->strange || autogen_matches_any(k->m->leave, t->name)) {
        return false;
    }
    for (size_t i = 0; i < k->seen_models.n_tables; i++) {
        if (same_word(k->models.tables[i].name, t->name) || same_word(k->models.tables[i].was, t->name)) {
            return true;
        }
    }
    return history_find(&k->history.tables, NULL, t->name) || autogen_matches_any(k->m->take, t->name);
}

/* Triggers of the table that a revision made, or that the models name; policies likewise. */
static st_err own_rules(struct maker *k, struct seen_table *t, st_table *stated)
{
    st_table_trigger *v = ARENA_ARRAY(k->a, st_table_trigger, k->history.triggers.n + 1);
    if (!v) {
        return diag_nomem();
    }
    stated->triggers = v;
    for (size_t i = 0; i < k->history.triggers.n; i++) {
        if (same_word(k->history.triggers.v[i].table, t->name)) {
            v[stated->n_triggers++] = *k->history.triggers.v[i].trigger;
        }
    }
    size_t n = 0;
    for (size_t i = 0; i < t->n_policies; i++) {
        bool ours = history_find(&k->history.policies, t->name, t->policies[i].name);
        for (size_t x = 0; !ours && x < k->seen_models.n_tables; x++) {
            const st_table *m = &k->models.tables[x];
            bool is = same_word(m->name, t->name) || same_word(m->was, t->name);
            for (size_t y = 0; is && !ours && y < m->n_policies; y++) {
                ours = same_word(m->policies[y].name, t->policies[i].name);
            }
        }
        if (ours) {
            t->policies[n++] = t->policies[i];
        }
    }
    t->n_policies = stated->n_policies = n;
    stated->policies = t->policies;
    return 0;
}

/* SQLite does not know which column is the tenant's; the models' other tables do. */
static void guess_tenant(const struct maker *k, const struct seen_table *t, const st_table *stated,
                         st_table_column *columns)
{
    for (size_t i = 0; i < k->seen_models.n_tables; i++) {
        const st_table *m = &k->models.tables[i];
        for (size_t c = 0; c < m->n_columns; c++) {
            if (m->columns[c].tenant && t->pk[0] && strcmp(t->pk[0], m->columns[c].name) == 0) {
                for (size_t x = 0; x < stated->n_columns; x++) {
                    columns[x].tenant = strcmp(columns[x].name, t->pk[0]) == 0 && columns[x].type == ST_UUID;
                }
                return;
            }
        }
    }
}

/* A key to a table that is none of ours is left alone, too: models cannot state it. */
static st_err leave_keys(struct maker *k, struct seen_table *t, const bool *skip)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_fks; i++) {
        const struct seen_table *parent = seen_find(&k->seen_db, t->fks[i].table);
        if (parent && !skip[parent - k->seen_db.tables]) {
            t->fks[n++] = t->fks[i];
            continue;
        }
        st_err rc = migrate_grow(k->a, &t->others, t->n_others, &t->others_room, sizeof *t->others);
        if (rc) {
            return rc;
        }
        t->others[t->n_others++] = (struct seen_other){"foreign key", t->fks[i].name, NULL};
    }
    t->n_fks = n;
    return 0;
}

static st_err state_db(struct maker *k)
{
    size_t n = k->seen_db.n_tables;
    st_table *stated = ARENA_ARRAY(k->a, st_table, n + 1);
    bool *skip = ARENA_ARRAY(k->a, bool, n + 1);
    if (!stated || !skip) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        skip[i] = !is_ours(k, &k->seen_db.tables[i]);
    }
    for (size_t i = 0; i < n; i++) {
        struct seen_table *t = &k->seen_db.tables[i];
        st_err rc = leave_keys(k, t, skip);
        rc = rc ? rc : seen_to_table(k->a, t, &stated[i]);
        rc = rc ? rc : own_rules(k, t, &stated[i]);
        if (rc) {
            return rc;
        }
        if (k->seen_db.dialect == ST_SQLITE) {
            st_table_column *columns = ARENA_ARRAY(k->a, st_table_column, t->n_columns + 1);
            if (!columns) {
                return diag_nomem();
            }
            if (stated[i].n_columns) {
                memcpy(columns, stated[i].columns, stated[i].n_columns * sizeof *columns);
            }
            guess_tenant(k, t, &stated[i], columns);
            stated[i].columns = columns;
        }
    }
    k->db = (struct compare_side){.seen = &k->seen_db, .tables = stated, .skip = skip};
    return 0;
}

static bool same_values(const char *const *x, const char *const *y)
{
    while (*x && *y && strcmp(*x, *y) == 0) {
        x++;
        y++;
    }
    return !*x && !*y;
}

/* PostgreSQL has the types; on SQLite a column whose model has one stands for it. */
static st_err own_enums(struct maker *k, struct compare *c)
{
    st_enum_type *v = NULL;
    size_t n = 0, room = 0;
    st_err rc = 0;
    for (size_t i = 0; !rc && i < k->seen_db.n_enums; i++) {
        const st_enum_type *e = &k->seen_db.enums[i];
        bool ours = history_find(&k->history.enums, NULL, e->name);
        for (size_t x = 0; !ours && x < k->models.n_enums; x++) {
            ours = strcmp(k->models.enums[x].name, e->name) == 0;
        }
        if (ours && !(rc = migrate_grow(k->a, &v, n, &room, sizeof *v))) {
            v[n++] = *e;
        }
    }
    for (size_t i = 0; !rc && k->seen_db.dialect == ST_SQLITE && i < c->n_pairs; i++) {
        const struct compare_pair *p = &c->pairs[i];
        for (size_t x = 0; !rc && x < p->to_stated->n_columns; x++) {
            const st_table_column *m = &p->to_stated->columns[x];
            const struct seen_column *was = m->enum_type ? compare_column_from(p, m->name) : NULL;
            if (!was || was->c.type != ST_ENUM) {
                continue;
            }
            size_t at = 0;
            while (at < n && strcmp(v[at].name, m->enum_type) != 0) {
                at++;
            }
            if (at < n && !same_values(v[at].values, was->c.values)) {
                continue; /* a text with a CHECK as yet */
            }
            st_table_column *mine = (st_table_column *)(uintptr_t)migrate_column(p->from_stated, was->c.name);
            mine->enum_type = m->enum_type; /* state_db's own copy */
            if (at == n && !(rc = migrate_grow(k->a, &v, n, &room, sizeof *v))) {
                v[n++] = (st_enum_type){m->enum_type, was->c.values};
            }
        }
    }
    c->from.enums = v;
    c->from.n_enums = n;
    return rc;
}

st_err autogen_run(st_engine *e, const struct st_migrations *m, arena *a, int64_t deadline, struct autogen *ret)
{
    struct maker k = {.a = a, .m = m};
    struct migrate_graph g;
    st_conn *c;
    size_t failures = arena_failures(a);
    st_err rc = migrate_graph_of(a, m->revisions, &g);
    rc = rc ? rc : st_conn_acquire(e, st_engine_dialect(e) == ST_POSTGRESQL, deadline, &c);
    if (rc) {
        return rc;
    }
    rc = st_conn_exec(c, "BEGIN", deadline);
    rc = rc ? rc : read_both(&k, c, &g, deadline);
    st_conn_release(c); /* rolls back: the scratch tables were never there */
    rc = rc ? rc : state_db(&k);
    struct compare up, down;
    migrate_ops_init(&ret->up, a, st_engine_dialect(e));
    migrate_ops_init(&ret->down, a, st_engine_dialect(e));
    rc = rc ? rc : compare_match(a, &k.db, &k.models, &k.history, &up);
    rc = rc ? rc : own_enums(&k, &up);
    up.out = &ret->up;
    rc = rc ? rc : compare_turn(a, &up, &ret->down, &down);
    rc = rc ? rc : compare_run(&up);
    rc = rc ? rc : compare_run(&down);
    return rc || arena_failures(a) == failures ? rc : diag_nomem(); /* what was not understood would seem to differ */
}
