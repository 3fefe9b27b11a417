#include "readers.h"

#include <inttypes.h>

void readers_open(struct readers *r, struct world *w)
{
    *r = (struct readers){.w = w};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < READER_ROWS; i++) {
        const Member *m = st_add(s, Member, .name = "read", .rank = i);
        ck_assert_ptr_nonnull(m);
        r->ids[i] = m->id;
    }
    OK(st_commit(s));
}

st_err readers_engine(struct readers *r)
{
    return st_engine_open(r->w->url, &(const struct st_engine_options){.pool_size = 2, .max_overflow = ST_NO_OVERFLOW},
                          &r->w->e);
}

static int read_rows(void *arg)
{
    struct reader *me = arg;
    for (int i = 0; i < READS; i++) {
        int at = (me->number * 5 + i) % READER_ROWS;
        ST_SESSION(s, me->all->w->e, .tenant = tenant_a, .autocommit = true);
        const Member *m = st_get(s, Member, me->all->ids[at]);
        st_err rc = st_session_error(s);
        ck_assert_msg(rc || (m && m->rank == at), "a reader was given %s", m ? "another's row" : "no row");
        me->right += rc == 0;
        if (rc && !me->err) {
            me->err = rc;
            (void)snprintf(me->why, sizeof me->why, "%.190s", test_diag());
        }
    }
    return 0;
}

int readers_start(struct readers *r, fiber_bundle *b)
{
    int rc = 0;
    for (int i = 0; i < READERS && !rc; i++) {
        r->each[i] = (struct reader){.all = r, .number = i};
        rc = fiber_start(b, read_rows, &r->each[i]);
    }
    return rc;
}

void readers_check(struct readers *r, const char *what)
{
    for (int again = 0; again < 2; again++) {
        struct st_pool_stats stats;
        st_engine_stats(r->w->e, &stats);
        ck_assert_msg(stats.in_use == 0 && stats.waiting == 0, "%s: %u connections in use", what, stats.in_use);
        for (int i = 0; again && i < READERS; i++) {
            ck_assert_msg(r->each[i].right == READS, "%s: afterwards %d: %s", what, r->each[i].err, r->each[i].why);
        }
        if (!again) {
            FIBER_BUNDLE(b);
            OK(readers_start(r, &b));
            OK(fiber_bundle_wait(&b, fiber_in_ms(20000)));
        }
    }
}
