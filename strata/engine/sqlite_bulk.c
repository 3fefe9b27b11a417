#include <assert.h>
#include <errno.h>

#include "strata/engine/sqlite.h"

struct bulk {
    struct sqlite_work work;
    struct st_bulk *b;
    size_t at; /* rows that are in; kept over tries after ST_E_BUSY */
    bool wrap;
};

/* Runs stmt for one row; *ret_changed says whether it wrote one. */
static st_err run_row(struct sqlite_conn *c, sqlite3_stmt *stmt, const struct st_bulk *b, const void *row,
                      bool *ret_changed)
{
    size_t used = (size_t)sqlite3_bind_parameter_count(stmt); /* of an update perhaps not all */
    for (size_t i = 0; i < b->n_fields && i < used; i++) {
        st_err rc = sqlite_bind_field(stmt, c->params, (int)i + 1, &b->fields[i], row);
        if (rc) {
            return rc;
        }
    }
    int step = sqlite3_step(stmt);
    st_err rc = step == SQLITE_DONE || step == SQLITE_ROW ? 0 : sqlite_error(c->db, step, sqlite3_sql(stmt));
    (void)sqlite3_reset(stmt);
    if (arena_used(c->params)) {
        arena_reset(c->params);
    }
    *ret_changed = sqlite3_changes64(c->db) != 0; /* of this statement: it is an INSERT or UPDATE */
    return rc;
}

static st_err insert_all(struct sqlite_conn *c, struct bulk *job, sqlite3_stmt *insert, sqlite3_stmt *update)
{
    struct st_bulk *b = job->b;
    for (; job->at < b->n_rows; job->at++) {
        size_t i = job->at;
        if (atomic_load_explicit(&c->stop, memory_order_relaxed)) {
            return diag_set(-ECANCELED, "stopped after %zu of %zu rows", i, b->n_rows);
        }
        bool changed = false, there = false;
        st_err rc = run_row(c, insert, b, b->rows[i], &changed);
        if (!rc && !changed && update) {
            rc = run_row(c, update, b, b->rows[i], &there);
        }
        if (rc) {
            return diag_wrap(rc, "row %zu of %zu", i + 1, b->n_rows);
        }
        b->inserted += changed;
    }
    return 0;
}

static st_err check_placeholders(sqlite3_stmt *stmt, size_t fields)
{
    int wanted = sqlite3_bind_parameter_count(stmt);
    return (size_t)wanted > fields
               ? diag_set(ST_E_INVALID, "the statement has %d placeholders, but rows have %zu fields", wanted, fields)
               : 0;
}

static st_err run_statements(struct sqlite_conn *c, struct bulk *job)
{
    struct st_bulk *b = job->b;
    sqlite3_stmt *insert = NULL, *update = NULL;
    st_err rc = sqlite_stmt_get(c, b->sql, b->id, &insert);
    if (!rc && b->sql_update.len) {
        rc = sqlite_stmt_get(c, b->sql_update, b->id_update, &update);
    }
    if (!rc) {
        rc = check_placeholders(insert, b->n_fields);
    }
    if (!rc) {
        rc = insert_all(c, job, insert, update);
    }
    if (insert) {
        sqlite_stmt_done(insert, b->id);
    }
    if (update) {
        sqlite_stmt_done(update, b->id_update);
    }
    return rc;
}

static st_err bulk_step(struct sqlite_work *w)
{
    struct bulk *job = (struct bulk *)w;
    struct sqlite_conn *c = w->conn;
    if (job->wrap) {
        st_err rc = sqlite_simple(c, "BEGIN IMMEDIATE");
        if (rc) {
            return rc;
        }
        job->b->inserted = 0;
        job->at = 0;
    }
    st_err rc = run_statements(c, job);
    if (job->wrap && !rc) {
        rc = sqlite_simple(c, "COMMIT");
    }
    if (job->wrap && rc) {
        sqlite_roll_back(c);
    }
    return rc;
}

st_err sqlite_bulk(st_conn *conn, struct st_bulk *b, int64_t deadline)
{
    struct sqlite_conn *c = sqlite_conn(conn);
    struct bulk job = {.work = {.conn = c, .step = bulk_step}, .b = b, .wrap = !sqlite_in_transaction(conn)};
    st_err rc = sqlite_work(c, &job.work, false, deadline);
    b->inserted = rc ? 0 : b->inserted;
    b->updated = rc ? 0 : (int64_t)b->n_rows - b->inserted;
    return rc;
}
