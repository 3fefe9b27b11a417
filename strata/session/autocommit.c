/* Sessions without transactions: each read is one. */
#include <errno.h>

#include "strata/session/internal.h"

/* With BEGIN and COMMIT around it, but still in one round trip: the statement may do anything but write. */
static st_err run_alone(st_session *s, struct st_stmt *stmt)
{
    struct st_stmt stmts[4], scope;
    st_conn *c;
    size_t n = 0;
    st_err rc = batch_scope(s, &scope);
    stmts[n++] = batch_plain(batch_begin_text(s));
    if (!rc && scope.sql.len) {
        stmts[n++] = scope;
    }
    size_t at = n;
    stmts[n++] = *stmt;
    stmts[n++] = batch_plain(STR("COMMIT"));
    rc = rc ? rc : st_conn_acquire(s->reg->engine, false, s->deadline, &c);
    if (rc) {
        return rc;
    }
    rc = st_conn_run(c, stmts, n, s->deadline, NULL);
    *stmt = stmts[at];
    if (!rc) {
        st_conn_release(c);
        return 0;
    }
    struct diag kept = *diag_last();
    st_conn_release(c);
    *diag_last() = kept;
    return rc;
}

st_err autocommit_run(st_session *s, struct st_stmt *stmt)
{
    bool alone = !stmt->pure || stmt->stream || s->scope.system || s->isolation != ST_ISOLATION_DEFAULT;
    if (s->reg->dialect == ST_POSTGRESQL && alone) {
        return run_alone(s, stmt);
    }
    return st_share_run(s->reg->engine, stmt, s->scope.tenant, s->deadline);
}
