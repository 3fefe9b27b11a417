#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/internal.h"

struct st_stmt batch_plain(str sql)
{
    return (struct st_stmt){.sql = sql, .id = st_hash_bytes(sql.p, sql.len, 0), .quick = true};
}

str batch_begin_text(const st_session *s)
{
    static const char *const texts[][2] = {
        [ST_ISOLATION_DEFAULT] = {"BEGIN", "BEGIN READ ONLY"},
        [ST_READ_COMMITTED] = {"BEGIN ISOLATION LEVEL READ COMMITTED",
                               "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"},
        [ST_REPEATABLE_READ] = {"BEGIN ISOLATION LEVEL REPEATABLE READ",
                                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
        [ST_SERIALIZABLE] = {"BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"},
    };
    if (s->reg->dialect == ST_POSTGRESQL) {
        return str_of(texts[s->isolation][s->read_only]);
    }
    return s->read_only ? STR("BEGIN") : STR("BEGIN IMMEDIATE"); /* the lock now, not at the first write */
}

static st_err grow(struct batch *b)
{
    size_t room = b->room ? b->room * 4 : 8;
    struct st_stmt *stmts = ARENA_ARRAY(b->s->scratch, struct st_stmt, room);
    const struct row **rows = ARENA_ARRAY(b->s->scratch, const struct row *, room);
    if (!stmts || !rows) {
        return diag_nomem();
    }
    if (b->n) {
        memcpy(stmts, b->stmts, b->n * sizeof *stmts);
        memcpy(rows, b->rows, b->n * sizeof *rows);
    }
    b->stmts = stmts;
    b->rows = rows;
    b->room = room;
    return 0;
}

static st_err push(struct batch *b, const struct st_stmt *stmt, const struct row *r)
{
    st_err rc = b->n < b->room ? 0 : grow(b);
    if (!rc) {
        b->stmts[b->n] = *stmt;
        b->rows[b->n++] = r;
    }
    return rc;
}

/* For this transaction only: behind a pooler the connection is another's next. */
st_err batch_scope(st_session *s, struct st_stmt *ret)
{
    if (s->scope.system) {
        *ret = batch_plain(STR("SELECT set_config('strata.system', 'on', true)"));
        return 0;
    }
    if (uuid_is_nil(s->scope.tenant)) {
        *ret = (struct st_stmt){.sql = {0}};
        return 0;
    }
    st_value *v = ARENA_NEW(s->scratch, st_value);
    char *text = arena_bytes(s->scratch, UUID_TEXT_LEN + 1);
    if (!v || !text) {
        return diag_nomem();
    }
    uuid_format(s->scope.tenant, text);
    *v = st_v_text(text);
    *ret =
        (struct st_stmt){.sql = STR(ST_SET_TENANT), .id = ST_SET_TENANT_ID, .params = v, .n_params = 1, .quick = true};
    return 0;
}

static st_err push_scope(struct batch *b)
{
    struct st_stmt scope;
    st_err rc = batch_scope(b->s, &scope);
    return rc || !scope.sql.len ? rc : push(b, &scope, NULL);
}

st_err batch_begin(struct batch *b, st_session *s)
{
    *b = (struct batch){.s = s};
    if (s->hook.flushing) {
        return hooks_refuse(s);
    }
    if (s->autocommit) {
        return 0;
    }
    if (s->begun) {
        return s->streams.n_left ? streams_sweep(b) : 0;
    }
    st_err rc = s->conn ? 0 : st_conn_acquire(s->reg->engine, !s->read_only, s->deadline, &s->conn);
    if (rc) {
        return rc;
    }
    struct st_stmt begin = batch_plain(batch_begin_text(s));
    rc = push(b, &begin, NULL);
    if (!rc && s->reg->dialect == ST_POSTGRESQL) {
        rc = push_scope(b);
    }
    s->begun = true; /* from here on the transaction is to be ended, whatever became of it */
    return rc;
}

st_err batch_add(struct batch *b, const struct row *r, bool guarded, struct st_stmt **ret)
{
    st_err rc = b->n >= BATCH_MAX ? batch_run(b) : 0;
    rc = rc ? rc : push(b, &(const struct st_stmt){.affected = 0}, r);
    if (!rc) {
        b->guarded |= guarded;
        *ret = &b->stmts[b->n - 1];
    }
    return rc;
}

/* "authors 0192...": the row's table and key, for messages. */
static void name_row(const struct row *r, char *out, size_t room)
{
    const st_mapper *m = r->mapper;
    const void *obj = row_object(r);
    int n = snprintf(out, room, "%s", m->model->table);
    for (uint32_t i = 0; i < m->n_key && n >= 0 && (size_t)n < room; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        st_value v = st_value_get(a, obj);
        char id[UUID_TEXT_LEN + 1];
        if (a->tenant) {
            continue;
        }
        if (v.type == ST_UUID) {
            uuid_format(v.uuid, id);
            n += snprintf(out + n, room - (size_t)n, " %s", id);
        } else if (v.type == ST_TEXT) {
            n += snprintf(out + n, room - (size_t)n, " '%.64s'", v.text.p);
        } else {
            long long x = v.type == ST_INT16 ? v.i16 : v.type == ST_INT32 ? v.i32 : v.i64;
            n += snprintf(out + n, room - (size_t)n, " %lld", x);
        }
    }
}

static st_err conflict(const struct row *r)
{
    char name[256];
    name_row(r, name, sizeof name);
    st_err rc = diag_set(ST_E_CONFLICT, "%s: another writer changed or deleted it meanwhile", name);
    (void)snprintf(diag_last()->table, sizeof diag_last()->table, "%s", r->mapper->model->table);
    diag_hint("roll back, load it again and repeat the change");
    return rc;
}

static st_err failed(const struct batch *b, size_t at, st_err rc)
{
    const struct row *r = at < b->n ? b->rows[at] : NULL;
    if (!r) {
        return rc;
    }
    if (rc == ST_E_SQL && strcmp(diag_last()->sqlstate, "22012") == 0) { /* the guard's division */
        return conflict(r);
    }
    char name[256];
    name_row(r, name, sizeof name);
    return diag_wrap(rc, "%s", name);
}

st_err batch_run(struct batch *b)
{
    if (b->n == 0) {
        return 0;
    }
    if (b->s->autocommit) {
        assert(b->n == 1);
        b->n = 0;
        return autocommit_run(b->s, &b->stmts[0]);
    }
    size_t at = SIZE_MAX;
    st_err rc = st_conn_run(b->s->conn, b->stmts, b->n, b->s->deadline, &at);
    if (rc) {
        return failed(b, at, rc);
    }
    for (size_t i = 0; b->guarded && i < b->n; i++) {
        if (b->rows[i] && b->stmts[i].affected != 1) {
            return conflict(b->rows[i]);
        }
    }
    b->n = 0;
    b->guarded = false;
    return 0;
}

st_err batch_finish(struct batch *b, const struct st_stmt *last)
{
    st_err rc = 0;
    if (b->guarded && b->s->reg->dialect == ST_SQLITE) {
        rc = batch_run(b); /* its writes do not fail by themselves when they touch nothing */
    }
    rc = rc ? rc : push(b, last, NULL);
    return rc ? rc : batch_run(b);
}
