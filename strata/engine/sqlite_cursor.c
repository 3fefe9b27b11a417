/* Statements of which a batch of rows is taken at a time. */
#include <assert.h>
#include <errno.h>

#include "strata/engine/sqlite.h"

/* What SQLite looks at while the statement runs must live as long as that. */
static st_err keep_params(const struct st_stmt *s, arena *a, const st_value **ret)
{
    st_value *v = ARENA_ARRAY(a, st_value, s->n_params);
    if (!v) {
        return diag_nomem();
    }
    for (size_t i = 0; i < s->n_params; i++) {
        v[i] = s->params[i];
        if (v[i].null) {
            continue;
        }
        const void *copy = "";
        if ((v[i].type == ST_TEXT || v[i].type == ST_JSON) && v[i].text.p) {
            copy = v[i].text.p = arena_memdup0(a, v[i].text.p, v[i].text.len);
        } else if (v[i].type == ST_BYTES && v[i].bytes.p) {
            copy = v[i].bytes.p = (const uint8_t *)arena_memdup0(a, v[i].bytes.p, v[i].bytes.len);
        }
        if (!copy) {
            return diag_nomem();
        }
    }
    *ret = v;
    return 0;
}

static st_err start(struct sqlite_conn *c, struct st_stmt *s)
{
    const st_value *params;
    sqlite3_stmt *stmt;
    st_err rc = keep_params(s, s->cursor->arena, &params);
    rc = rc ? rc : sqlite_stmt_get(c, s->sql, 0, &stmt);
    if (rc) {
        return rc;
    }
    s->cursor->stmt = stmt;
    rc = sqlite_bind(stmt, s->cursor->arena, params, s->n_params);
    int columns = sqlite3_column_count(stmt);
    if (!rc && (size_t)columns != s->shape->n) {
        rc = diag_set(ST_E_SCHEMA, "the statement returns %d columns where %zu are expected", columns, s->shape->n);
    }
    if (!rc && !sqlite3_stmt_readonly(stmt)) {
        rc = diag_set(ST_E_INVALID, "a statement that writes cannot be streamed");
    }
    return rc;
}

static st_err fetch(struct sqlite_conn *c, struct st_stmt *s)
{
    sqlite3_stmt *stmt = s->cursor->stmt;
    struct rowmem mem;
    rowmem_init(&mem, s->arena, 64, s->shape->head + 2 * s->shape->size);
    for (;;) {
        int step = sqlite3_step(stmt);
        if (step == SQLITE_DONE) {
            s->cursor->done = true;
            return 0;
        }
        if (step != SQLITE_ROW) {
            st_err rc = sqlite_error(c->db, step, sqlite3_sql(stmt));
            assert(rc < 0);
            return rc;
        }
        struct rowmem_mark mark = rowmem_mark(&mem);
        void *obj;
        st_err rc = sqlite_read_row(stmt, 0, s->shape, &mem, c->json, &obj);
        int keep = rc ? rc : s->row(s->arg, obj);
        if (keep < 0) {
            return keep;
        }
        s->affected++;
        if (keep == 0) {
            rowmem_rewind(&mem, mark);
        } else if (keep == 2) {
            return 0;
        }
    }
}

st_err sqlite_cursor_run(struct sqlite_conn *c, struct st_stmt *s)
{
    assert(s->shape && !s->shape->next && s->arena && s->row && !s->cursor->done);
    bool fresh = !s->cursor->stmt;
    s->affected = 0;
    st_err rc = fresh ? start(c, s) : 0;
    rc = rc ? rc : fetch(c, s);
    if (rc == ST_E_BUSY && (!fresh || s->affected)) { /* rows are out: too late to start again */
        rc = ST_E_SERIALIZATION;
    }
    if (rc || s->cursor->done) {
        st_cursor_close(s->cursor);
        s->cursor->done = rc != ST_E_BUSY;
    }
    return rc;
}

void st_cursor_close(struct st_cursor *cursor)
{
    (void)sqlite3_finalize(cursor->stmt); /* its code is that of its last step, long reported */
    cursor->stmt = NULL;
}
