/* SQL that the program wrote itself. */
#include "strata/query/raw.h"

#include <errno.h>

#include "strata/model/value.h"
#include "strata/session/internal.h"

st_err session_raw(st_session *s, const char *sql, const struct st_raw *o, struct st_stmt *ret)
{
    if (!s->scope.system && !o->confined) {
        st_err rc = diag_set(ST_E_TENANT, "raw SQL is not confined to the session's tenant by itself");
        diag_hint("mind the tenant in its text and say .confined = true, or open the session with .system");
        return rc;
    }
    str text;
    st_err rc = st_raw_prepare(s->scratch, s->reg->dialect, sql, o->n_params, &text);
    if (rc) {
        return rc;
    }
    uint64_t id = st_hash_bytes(text.p, text.len, 0);
    *ret = (struct st_stmt){.sql = text, .id = id ? id : 1, .params = o->params, .n_params = o->n_params};
    return 0;
}

static st_err raw(st_session *s, const st_model *result, const char *sql, const struct st_raw *o, st_rows *ret)
{
    const st_mapper *m;
    struct st_stmt last;
    struct plain_rows rows = {.each = o->each, .arg = o->arg};
    st_err rc = session_raw(s, sql, o, &last);
    rc = rc ? rc : st_registry_result(s->reg, result, &m);
    rc = rc ? rc : session_read(s, &last, &m->shape, &rows, ret);
    if (!rc && !s->read_only && !st_raw_reads(sql)) {
        s->epoch++; /* what is loaded may differ from here on */
    }
    return rc;
}

st_rows st_raw_(st_session *s, const st_model *result, const char *sql, const struct st_raw *o)
{
    st_rows rows = {.n = 0};
    st_err rc = session_enter(s);
    rows.err = rc ? rc : session_leave(s, raw(s, result, sql, o, &rows));
    return rows;
}

static st_err execute(st_session *s, const char *sql, int64_t *ret_n, const struct st_raw *o)
{
    struct batch b;
    struct st_stmt one;
    st_err rc = session_writes(s);
    rc = rc ? rc : session_raw(s, sql, o, &one);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : batch_run(&b);
    rc = rc ? rc : st_conn_run(s->conn, &one, 1, s->deadline, NULL);
    if (rc) {
        return rc;
    }
    s->epoch++;
    if (ret_n) {
        *ret_n = one.affected;
    }
    return 0;
}

st_err st_raw_execute_(st_session *s, const char *sql, int64_t *ret_n, const struct st_raw *o)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, execute(s, sql, ret_n, o));
}
