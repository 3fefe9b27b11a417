#include <assert.h>
#include <errno.h>

#include "strata/engine/sqlite.h"

enum { BACKOFF_FIRST_NS = 500000, BACKOFF_LAST_NS = 25000000, HURRIED_MAX = 32 };

bool sqlite_in_transaction(const st_conn *c)
{
    const struct sqlite_conn *sc = (const struct sqlite_conn *)c;
    return sc->db && !sqlite3_get_autocommit(sc->db);
}

/* Between transactions, when the log has grown: its pages go to the database file here, in a thread, and never inside a
 * COMMIT on the loop. A failure (readers in the way, disk full) is left for the next time. */
static void checkpoint(struct sqlite_conn *c)
{
    if (c->writer && c->wal_pages >= SQLITE_WAL_PAGES && !sqlite_in_transaction(&c->base)) {
        (void)sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        c->wal_pages = 0;
    }
}

static st_err step(struct sqlite_work *w)
{
    errno = 0; /* sqlite_error looks at it */
    return w->step(w);
}

static int in_thread(void *arg)
{
    struct sqlite_work *w = arg;
    w->ran = true;
    int rc = step(w);
    checkpoint(w->conn);
    return rc;
}

static int checkpoint_in_thread(void *arg)
{
    checkpoint(arg);
    return 0;
}

static st_err once(struct sqlite_conn *c, struct sqlite_work *w, bool here, int64_t deadline)
{
    atomic_store(&c->stop, false);
    if (!here) {
        FIBER_DEADLINE(deadline);
        w->ran = false;
        st_err rc = fiber_offload(in_thread, w, &c->stop);
        bool stopped = atomic_exchange(&c->stop, false);
        if (w->ran && rc == -ECANCELED && stopped && !fiber_is_cancelled()) {
            return diag_set(-ETIMEDOUT, "the deadline passed while the database worked");
        }
        return rc;
    }
    st_err rc = step(w);
    if (c->wal_pages >= SQLITE_WAL_PAGES && !sqlite_in_transaction(&c->base)) {
        struct diag kept = *diag_last();
        (void)fiber_offload(checkpoint_in_thread, c, NULL);
        *diag_last() = kept;
    }
    if (++c->hurried >= HURRIED_MAX && fiber_self()) { /* a chain of quick batches must not hold the loop */
        c->hurried = 0;
        struct diag kept = *diag_last();
        (void)fiber_yield(); /* cancelled: what was done is done, the next call tells */
        *diag_last() = kept;
    }
    return rc;
}

st_err sqlite_work(struct sqlite_conn *c, struct sqlite_work *w, bool here, int64_t deadline)
{
    int64_t busy_ms = c->base.engine->url.busy_ms;
    int64_t give_up = fiber_in_ms(busy_ms < 0 ? SQLITE_BUSY_MS : busy_ms);
    int64_t pause = BACKOFF_FIRST_NS;
    for (;;) {
        st_err rc = once(c, w, here, deadline);
        if (rc != ST_E_BUSY || fiber_now() >= give_up) {
            if (rc == ST_E_BUSY) {
                diag_hint("another process is writing to the database; ?busy_ms= in the URL says how long to wait");
            }
            return rc;
        }
        int64_t until = fiber_now() + pause;
        FIBER_DEADLINE(deadline);
        rc = fiber_sleep_until(until < give_up ? until : give_up);
        if (rc) {
            return rc;
        }
        pause = pause * 2 < BACKOFF_LAST_NS ? pause * 2 : BACKOFF_LAST_NS;
    }
}
