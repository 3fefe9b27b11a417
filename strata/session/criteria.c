/* Counting and writing by criteria, past the identity map. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "strata/session/internal.h"

struct number {
    int64_t n;
};

static int take_number(void *arg, void *obj)
{
    *(struct number *)arg = *(const struct number *)obj;
    return 0;
}

static st_err count(st_session *s, const st_model *m, const st_expr *where, int64_t *ret)
{
    static const struct st_field field = {.type = ST_INT64, .offset = offsetof(struct number, n)};
    static const struct st_shape shape = {.fields = &field, .n = 1, .size = sizeof(struct number)};
    const st_mapper *mapper;
    st_err rc = session_mapper(s, m, &mapper);
    if (rc) {
        return rc;
    }
    struct batch b;
    struct number n = {0};
    struct st_stmt last = {.shape = &shape, .arena = s->scratch, .row = take_number, .arg = &n};
    struct st_compiler c = session_compiler(s);
    rc = st_compile_count(&c, mapper, where, &last);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : batch_finish(&b, &last);
    if (!rc) {
        *ret = n.n;
    }
    return rc;
}

st_err st_count_(st_session *s, const st_model *m, const st_expr *where, int64_t *ret_n)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, count(s, m, where, ret_n));
}

/* Runs a compiled write behind a flush. What is loaded may differ from the database from here on. */
static st_err write_rows(st_session *s, const struct st_stmt *stmt, int64_t *ret_n)
{
    struct batch b;
    st_err rc = flush_late_changes(s);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : batch_run(&b);
    struct st_stmt one = *stmt;
    rc = rc ? rc : st_conn_run(s->conn, &one, 1, s->deadline, NULL);
    if (!rc) {
        s->epoch++;
        if (ret_n) {
            *ret_n = one.affected;
        }
    }
    return rc;
}

static st_err update_where(st_session *s, const st_model *m, const st_expr *where, const struct st_assign *set,
                           size_t n, int64_t *ret_n)
{
    const st_mapper *mapper;
    struct st_stmt stmt = {.affected = 0};
    struct st_compiler c = session_compiler(s);
    st_err rc = session_writes(s);
    rc = rc ? rc : session_mapper(s, m, &mapper);
    rc = rc ? rc : make_assignments(s, mapper, &set, &n);
    rc = rc ? rc : st_compile_update_where(&c, mapper, where, set, n, (st_time){clock_wall_us()}, &stmt);
    return rc ? rc : write_rows(s, &stmt, ret_n);
}

st_err st_update_where_(st_session *s, const st_model *m, const st_expr *where, const struct st_assign *set, size_t n,
                        int64_t *ret_n)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, update_where(s, m, where, set, n, ret_n));
}

static st_err delete_where(st_session *s, const st_model *m, const st_expr *where, int64_t *ret_n)
{
    const st_mapper *mapper;
    struct st_stmt stmt = {.affected = 0};
    struct st_compiler c = session_compiler(s);
    st_err rc = session_writes(s);
    rc = rc ? rc : session_mapper(s, m, &mapper);
    rc = rc ? rc : st_compile_delete_where(&c, mapper, where, &stmt);
    return rc ? rc : write_rows(s, &stmt, ret_n);
}

st_err st_delete_where_(st_session *s, const st_model *m, const st_expr *where, int64_t *ret_n)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, delete_where(s, m, where, ret_n));
}
