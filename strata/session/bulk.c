/* Many rows at once, past the identity map. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "strata/model/value.h"
#include "strata/session/internal.h"

struct seen {
    uint64_t hash;
    void *row; /* NULL: free */
};
struct dedupe {
    const st_mapper *m;
    const uint32_t *columns;
    size_t n_columns;
    struct seen *slots;
    size_t mask;
    uint64_t seed;
};

/* False: a column is null, and null equals nothing. */
static bool hash_row(const struct dedupe *d, const void *row, uint64_t *ret)
{
    uint64_t h = d->seed;
    for (size_t i = 0; i < d->n_columns; i++) {
        const st_attr *a = d->m->columns[d->columns[i]].attr;
        if (st_value_is_null(a, row)) {
            return false;
        }
        h = st_value_hash(a, row, h);
    }
    *ret = h;
    return true;
}

static bool same_row(const struct dedupe *d, const void *x, const void *y)
{
    for (size_t i = 0; i < d->n_columns; i++) {
        if (!st_value_same(d->m->columns[d->columns[i]].attr, x, y)) {
            return false;
        }
    }
    return true;
}

/* Whether an equal row was seen before; remembers this one otherwise. */
static bool seen_before(struct dedupe *d, void *row)
{
    uint64_t hash;
    if (!hash_row(d, row, &hash)) {
        return false;
    }
    size_t i = hash & d->mask;
    for (; d->slots[i].row; i = (i + 1) & d->mask) {
        if (d->slots[i].hash == hash && same_row(d, d->slots[i].row, row)) {
            return true;
        }
    }
    d->slots[i] = (struct seen){hash, row};
    return false;
}

/* The rows without those that a later one replaces, in their order: PostgreSQL refuses to touch a row twice in one
 * statement, and both databases are to do the same. */
static st_err last_of_each(const struct st_compiler *c, const st_mapper *m, void *const *rows, size_t n,
                           const uint32_t *conflict, void ***ret, size_t *ret_n)
{
    size_t slots = 16;
    while (slots / 2 < n) {
        slots *= 2;
    }
    struct dedupe d = {.m = m, .mask = slots - 1, .seed = c->reg->seed};
    d.slots = ARENA_ARRAY(c->scratch, struct seen, slots);
    void **kept = ARENA_ARRAY(c->scratch, void *, n);
    if (!d.slots || !kept) {
        return diag_nomem();
    }
    st_err rc = st_conflict_columns(c, m, conflict, &d.columns, &d.n_columns);
    if (rc) {
        return rc;
    }
    size_t at = n;
    for (size_t i = n; i-- > 0;) {
        if (!seen_before(&d, rows[i])) {
            kept[--at] = rows[i];
        }
    }
    *ret = kept + at;
    *ret_n = n - at;
    return 0;
}

st_err fill_bulk_row(const struct filling *f, void *row)
{
    const st_mapper *m = f->m;
    if (m->updated) { /* also in a row that is there, and in structs used before */
        st_value t = st_v_time(f->now);
        st_value_put(m->updated, row, &t);
    }
    st_err rc = fill_new_row(f->s, m, row, f->now);
    rc = rc || !f->upsert ? rc : make_upsert(f->s, m, row, f->upsert, f->made);
    rc = rc ? rc : fill_defaults(f->s, m, row, f->made);
    return rc ? rc : f->keep ? st_mapper_take(m, row, f->made) : st_mapper_validate(m, row);
}

static st_err prepare_rows(st_session *s, const st_mapper *m, void *const *rows, size_t n,
                           const struct st_bulk_options *o)
{
    const struct filling f = {
        .s = s, .m = m, .now = {clock_wall_us()}, .made = s->arena, .upsert = o->update ? o : NULL};
    for (size_t i = 0; i < n; i++) {
        st_err rc = fill_bulk_row(&f, rows[i]);
        if (rc) {
            return diag_wrap(rc, "row %zu of %zu", i + 1, n);
        }
    }
    return 0;
}

static st_err insert_many(st_session *s, const st_model *model, void *const *rows, size_t n,
                          const struct st_bulk_options *o, struct st_bulk_result *ret)
{
    const st_mapper *m;
    struct st_bulk_result result = {0};
    struct st_compiler c = session_compiler(s);
    st_err rc = session_writes(s);
    rc = rc ? rc : session_mapper(s, model, &m);
    rc = rc ? rc : prepare_rows(s, m, rows, n, o);
    if (rc) {
        return rc;
    }
    void **kept = NULL;
    if (o->conflict) {
        rc = last_of_each(&c, m, rows, n, o->conflict, &kept, &n);
        rows = kept;
    }
    struct st_bulk bulk;
    struct batch b;
    rc = rc ? rc : st_compile_bulk(&c, m, rows, n, o, &bulk);
    rc = rc ? rc : flush_late_changes(s);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : batch_run(&b);
    if (!rc && n) {
        rc = st_conn_bulk(s->conn, &bulk, s->deadline);
        rc = rc ? diag_wrap(rc, "%s", model->table) : 0;
        result.inserted = bulk.inserted;
        *(o->update ? &result.updated : &result.kept) = (int64_t)n - bulk.inserted;
        s->epoch += o->update != NULL;
    }
    if (!rc && ret) {
        *ret = result;
    }
    return rc;
}

st_err st_insert_many_(st_session *s, const st_model *m, void *const *rows, size_t n, const struct st_bulk_options *o,
                       struct st_bulk_result *ret)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, insert_many(s, m, rows, n, o, ret));
}
