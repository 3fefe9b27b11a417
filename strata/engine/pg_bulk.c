/* Rows as columns: a chunk of them becomes one array a field, in binary, and one execution of the statement; the
 * chunks follow each other in one pipeline. */
#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "strata/engine/pg.h"
#include "strata/engine/pg_put.h"

enum { CHUNK_ROWS = 5000, CHUNK_BYTES = 1 << 20 };

struct bulk {
    struct pg_batch batch;
    struct st_bulk *b;
    size_t at;    /* rows that were put into chunks */
    buf *columns; /* one a field: the array that is being built */
    bool *has_null;
};

static unsigned element_oid(const struct st_field *f)
{
    st_value v = {.type = f->type, .e.of = f->as_smallint ? NULL : f->of};
    bool as_text = f->type == ST_TEXTS || f->type == ST_UUIDS || (f->type == ST_ENUM && v.e.of);
    return as_text ? PG_TEXT : pg_value_oid(&v); /* the statement casts */
}

static unsigned array_oid(unsigned element)
{
    switch (element) {
    case PG_BOOL:
        return PG_BOOL_ARRAY;
    case PG_INT2:
        return PG_INT2_ARRAY;
    case PG_INT4:
        return PG_INT4_ARRAY;
    case PG_INT8:
        return PG_INT8_ARRAY;
    case PG_FLOAT8:
        return PG_FLOAT8_ARRAY;
    case PG_UUID:
        return PG_UUID_ARRAY;
    case PG_TIMESTAMPTZ:
        return PG_TIMESTAMPTZ_ARRAY;
    case PG_BYTEA:
        return PG_BYTEA_ARRAY;
    case PG_JSONB:
        return PG_JSONB_ARRAY;
    default:
        return PG_TEXT_ARRAY;
    }
}

/* ---- chunks ---- */

static st_err put_row(struct bulk *k, size_t *ret_bytes)
{
    const struct st_bulk *b = k->b;
    size_t bytes = 0;
    for (size_t i = 0; i < b->n_fields; i++) {
        st_err rc = pg_put_field(&k->columns[i], &b->fields[i], b->rows[k->at], PG_ELEMENT, &k->has_null[i]);
        if (rc) {
            return diag_wrap(rc, "row %zu of %zu", k->at + 1, b->n_rows);
        }
        bytes += k->columns[i].len;
    }
    *ret_bytes = bytes;
    return 0;
}

static st_err params_of(struct bulk *k, size_t rows, struct pg_params *ret)
{
    size_t n = k->b->n_fields;
    arena *a = k->batch.conn->params;
    arena_reset(a);
    struct pg_params p = {.n = (int)n, .types_hash = k->b->n_fields};
    p.types = ARENA_ARRAY(a, unsigned, n);
    p.values = ARENA_ARRAY(a, const char *, n);
    p.lengths = ARENA_ARRAY(a, int, n);
    p.formats = ARENA_ARRAY(a, int, n);
    if (!p.types || !p.values || !p.lengths || !p.formats) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        unsigned element = element_oid(&k->b->fields[i]);
        (void)pg_array_start(k->columns[i].p, element, rows, k->has_null[i]);
        p.types[i] = array_oid(element);
        p.values[i] = k->columns[i].p;
        p.lengths[i] = (int)k->columns[i].len;
        p.formats[i] = 1;
    }
    *ret = p;
    return 0;
}

static st_err make(struct pg_batch *batch, size_t i, struct pg_command *ret)
{
    (void)i;
    struct bulk *k = (struct bulk *)batch;
    const struct st_bulk *b = k->b;
    if (k->at == b->n_rows) {
        return 1;
    }
    for (size_t f = 0; f < b->n_fields; f++) {
        buf_clear(&k->columns[f]);
        k->has_null[f] = false;
        if (!buf_reserve(&k->columns[f], PG_ARRAY_HEAD)) { /* filled in when the number of rows is known */
            return diag_nomem();
        }
        k->columns[f].len = PG_ARRAY_HEAD;
    }
    size_t rows = 0, bytes = 0;
    while (k->at < b->n_rows && rows < CHUNK_ROWS && bytes < CHUNK_BYTES) {
        st_err rc = put_row(k, &bytes);
        if (rc) {
            return rc;
        }
        k->at++;
        rows++;
    }
    ret->sql = b->sql;
    ret->id = b->id;
    return params_of(k, rows, &ret->params);
}

static st_err take(struct pg_batch *batch, size_t i, PGresult *res)
{
    (void)i;
    struct st_bulk *b = ((struct bulk *)batch)->b;
    if (b->upsert) {
        if (PQnfields(res) != 1 || PQftype(res, 0) != PG_BOOL) {
            return diag_set(ST_E_INVALID, "an upsert must end in RETURNING (xmax = 0)");
        }
        for (int row = 0, n = PQntuples(res); row < n; row++) {
            b->inserted += *PQgetvalue(res, row, 0) == 1;
        }
        return 0;
    }
    uint64_t n;
    b->inserted += str_to_u64(str_of(PQcmdTuples(res)), INT64_MAX, &n) ? (int64_t)n : 0;
    return 0;
}

st_err pg_bulk(st_conn *conn, struct st_bulk *b, int64_t deadline)
{
    struct pg_conn *c = pg_conn(conn);
    if (c->busy) {
        return diag_set(ST_E_INVALID, "the connection has an unfinished batch; release it");
    }
    struct bulk k = {.batch = {.conn = c, .make = make, .take = take}, .b = b};
    k.columns = mem_zalloc(b->n_fields, sizeof *k.columns);
    k.has_null = mem_zalloc(b->n_fields, sizeof *k.has_null);
    st_err rc = k.columns && k.has_null ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < b->n_fields; i++) {
        buf_init(&k.columns[i], PG_PUT_MAX);
    }
    bool fresh = PQtransactionStatus(c->pq) == PQTRANS_IDLE;
    if (!rc) {
        rc = pg_batch_run(&k.batch, deadline);
    }
    if (rc && pg_may_start_again(&k.batch, fresh, deadline)) {
        k.batch = (struct pg_batch){.conn = c, .make = make, .take = take};
        k.at = 0;
        b->inserted = 0;
        rc = pg_batch_run(&k.batch, deadline);
    }
    b->updated = rc ? 0 : (int64_t)b->n_rows - b->inserted;
    b->inserted = rc ? 0 : b->inserted;
    for (size_t i = 0; k.columns && i < b->n_fields; i++) {
        buf_release(&k.columns[i]);
    }
    mem_free(k.columns);
    mem_free(k.has_null);
    return rc;
}
