/* The names by which unnamed constraints go. */
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/private.h"
#include "strata/migrate/sqlite_table.h"

struct named {
    const char *name;
    struct lite_constraint *c; /* NULL: the name is given, not derived */
    size_t at;
};

struct names {
    arena *a;
    const char *table;
    struct named *v;
    size_t n, room;
};

static int by_name(const void *x, const void *y)
{
    const struct named *p = x, *q = y;
    int d = strcasecmp(p->name, q->name);
    d = d ? d : (p->c != NULL) - (q->c != NULL);
    return d ? d : (p->at > q->at) - (p->at < q->at);
}

static int by_name_alone(const void *x, const void *y)
{
    return strcasecmp(((const struct named *)x)->name, ((const struct named *)y)->name);
}

static const char *derived(const struct names *k, const struct lite_constraint *c, const char *column)
{
    const char *suffix = c->kind == LITE_PRIMARY_KEY ? "pkey"
                         : c->kind == LITE_UNIQUE    ? "key"
                         : c->kind == LITE_CHECK     ? "check"
                                                     : "fkey";
    const char *columns[ST_KEY_MAX + 1] = {column};
    for (size_t i = 0; i < c->n_columns && i < ST_KEY_MAX; i++) {
        columns[i] = c->columns[i];
    }
    return migrate_name(k->a, k->table, c->kind == LITE_PRIMARY_KEY ? NULL : columns, NULL, suffix);
}

static st_err note(struct names *k, struct lite_constraint *c, const char *column)
{
    bool counts =
        c->kind == LITE_PRIMARY_KEY || c->kind == LITE_UNIQUE || c->kind == LITE_CHECK || c->kind == LITE_FOREIGN_KEY;
    if (!counts) {
        return 0;
    }
    const char *name = c->name ? c->name : derived(k, c, column);
    c->known_as = c->name;
    if (!name || migrate_grow(k->a, &k->v, k->n, &k->room, sizeof *k->v)) {
        return diag_nomem();
    }
    k->v[k->n] = (struct named){name, c->name ? NULL : c, k->n};
    k->n++;
    return 0;
}

/* v is sorted, those with a given name before others: the first of a name keeps it, the next ones get numbers. */
static st_err number(struct names *k)
{
    unsigned tail = 0;
    for (size_t i = 0; i < k->n; i++) {
        bool first = i == 0 || strcasecmp(k->v[i - 1].name, k->v[i].name) != 0;
        tail = first ? 0 : tail;
        if (!k->v[i].c) {
            continue;
        }
        k->v[i].c->known_as = k->v[i].name;
        while (!first) {
            tail++;
            const char *candidate = arena_printf(k->a, "%s%u", k->v[i].name, tail);
            if (!candidate) {
                return diag_nomem();
            }
            struct named probe = {candidate, NULL, 0};
            if (!bsearch(&probe, k->v, k->n, sizeof *k->v, by_name_alone)) {
                k->v[i].c->known_as = candidate;
                break;
            }
        }
    }
    return 0;
}

st_err lite_name_constraints(arena *a, struct lite_table *t)
{
    struct names k = {.a = a, .table = t->name};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        for (size_t j = 0; !rc && j < t->columns[i].n_constraints; j++) {
            rc = note(&k, &t->columns[i].constraints[j], t->columns[i].name);
        }
    }
    for (size_t i = 0; !rc && i < t->n_constraints; i++) {
        rc = note(&k, &t->constraints[i], NULL);
    }
    if (!rc && k.n) {
        qsort(k.v, k.n, sizeof *k.v, by_name);
        rc = number(&k);
    }
    return rc;
}
