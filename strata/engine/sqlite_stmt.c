#include <assert.h>
#include <errno.h>

#include "strata/engine/sqlite.h"

static st_err prepare(struct sqlite_conn *c, str sql, unsigned flags, sqlite3_stmt **ret)
{
    if (sql.len >= INT32_MAX) {
        return diag_set(ST_E_INVALID, "a statement longer than 2 GiB");
    }
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v3(c->db, sql.p, (int)sql.len + 1, flags, &stmt, &tail);
    if (rc) {
        return sqlite_error(c->db, rc, sql.p);
    }
    if (!stmt) {
        return diag_set(ST_E_INVALID, "an empty statement");
    }
    *ret = stmt;
    return 0;
}

st_err sqlite_stmt_get(struct sqlite_conn *c, str sql, uint64_t id, sqlite3_stmt **ret)
{
    if (!id) {
        return prepare(c, sql, 0, ret);
    }
    struct stmt_slot *slot = stmt_cache_find(&c->cache, id);
    if (slot) {
        assert(str_eq(str_of(sqlite3_sql(slot->stmt)), sql)); /* an id belongs to one text */
        *ret = slot->stmt;
        return 0;
    }
    st_err rc = prepare(c, sql, SQLITE_PREPARE_PERSISTENT, ret);
    if (rc) {
        return rc;
    }
    slot = stmt_cache_place(&c->cache, id);
    (void)sqlite3_finalize(slot->stmt); /* NULL is fine; its code is that of its last step, long reported */
    slot->key = id;
    slot->stmt = *ret;
    return 0;
}

void sqlite_stmt_done(sqlite3_stmt *stmt, uint64_t id)
{
    if (id) {
        (void)sqlite3_reset(stmt);
        (void)sqlite3_clear_bindings(stmt);
    } else {
        (void)sqlite3_finalize(stmt);
    }
}

void sqlite_stmt_drop_all(struct sqlite_conn *c)
{
    for (size_t i = 0; i < STMT_CACHE_SIZE; i++) {
        struct stmt_slot *slot = &c->cache.slots[i];
        (void)sqlite3_finalize(slot->stmt);
        *slot = (struct stmt_slot){0};
    }
}

static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325U; /* FNV-1a */
    for (; *s; s++) {
        h = (h ^ (unsigned char)*s) * 0x100000001b3U;
    }
    return h ? h : 1;
}

st_err sqlite_simple(struct sqlite_conn *c, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    uint64_t id = hash(sql);
    st_err rc = sqlite_stmt_get(c, str_of(sql), id, &stmt);
    if (rc) {
        return rc;
    }
    int step = sqlite3_step(stmt);
    if (step != SQLITE_DONE && step != SQLITE_ROW) {
        rc = sqlite_error(c->db, step, sql);
    }
    sqlite_stmt_done(stmt, id);
    return rc;
}

void sqlite_roll_back(struct sqlite_conn *c)
{
    if (!sqlite3_get_autocommit(c->db)) {
        struct diag kept = *diag_last();
        (void)sqlite_simple(c, "ROLLBACK"); /* when it fails, the pool finds the transaction still open */
        *diag_last() = kept;
    }
}

/* The objects of the row that stmt is at. */
static st_err take_row(struct sqlite_conn *c, sqlite3_stmt *stmt, const struct st_stmt *s, struct rowmem *mem)
{
    int first = 0;
    for (const struct st_shape *shape = s->shape; shape; shape = shape->next) {
        struct rowmem_mark mark = rowmem_mark(mem);
        void *obj;
        st_err rc = sqlite_read_row(stmt, first, shape, mem, c->json, &obj);
        int keep = rc ? rc : s->row ? s->row(s->arg, obj) : 1;
        if (keep < 0) {
            return keep;
        }
        if (keep == 0) {
            rowmem_rewind(mem, mark);
        }
        first += (int)shape->n;
    }
    return 0;
}

/* Steps through all rows. */
static st_err fetch(struct sqlite_conn *c, sqlite3_stmt *stmt, struct st_stmt *s)
{
    const struct st_shape *shape = s->shape;
    struct rowmem mem;
    if (shape) {
        size_t columns = (size_t)sqlite3_column_count(stmt), expected = st_shape_columns(shape);
        if (columns != expected) {
            return diag_set(ST_E_SCHEMA, "the statement returns %zu columns where %zu are expected", columns, expected);
        }
        assert(s->arena);
        rowmem_init(&mem, s->arena, 1, shape->head + shape->size);
    }
    for (;;) {
        int step = sqlite3_step(stmt);
        if (step == SQLITE_DONE) {
            return 0;
        }
        if (step != SQLITE_ROW) {
            st_err rc = sqlite_error(c->db, step, s->sql.p);
            assert(rc < 0);
            return rc == ST_E_BUSY && s->affected ? ST_E_SERIALIZATION : rc; /* rows are out: too late to start again */
        }
        s->affected++;
        st_err rc = shape ? take_row(c, stmt, s, &mem) : 0;
        if (rc) {
            return rc;
        }
    }
}

st_err sqlite_stmt_run(struct sqlite_conn *c, struct st_stmt *s)
{
    sqlite3_stmt *stmt = NULL;
    st_err rc = sqlite_stmt_get(c, s->sql, s->id, &stmt);
    if (rc) {
        return rc;
    }
    arena_reset(c->params);
    s->affected = 0;
    rc = sqlite_bind(stmt, c->params, s->params, s->n_params);
    if (!rc) {
        int64_t before = sqlite3_total_changes64(c->db);
        bool returns = sqlite3_column_count(stmt) > 0;
        rc = fetch(c, stmt, s);
        if (!rc && !returns) { /* what does not write keeps the count of what wrote before */
            s->affected = sqlite3_total_changes64(c->db) != before ? sqlite3_changes64(c->db) : 0;
        }
    }
    sqlite_stmt_done(stmt, s->id);
    return rc;
}
