/* A transaction that is run again when others were in its way. */
#include <errno.h>
#include <string.h>

#include "base/uuid.h"
#include "strata/session/internal.h"

enum { TRIES_DEFAULT = 5, FIRST_MS = 4, LONGEST_MS = 1000 };

static bool may_pass(st_err rc)
{
    return rc == ST_E_SERIALIZATION || rc == ST_E_DEADLOCK || rc == ST_E_CONFLICT;
}

static st_err run_once(st_engine *e, const struct st_session_options *o, st_err (*fn)(st_session *s, void *arg),
                       void *arg)
{
    st_session *s;
    st_err rc = st_session_open(e, o, &s);
    if (rc) {
        return rc;
    }
    rc = fn(s, arg);
    if (st_session_error(s) || !rc) {
        rc = st_commit(s); /* says again what made the session fail, whatever fn made of it */
    }
    st_session_close(s);
    return rc;
}

/* Between a half and all of a time that doubles, so that those who met once do not meet again. */
static int64_t pause_ns(unsigned failures)
{
    int64_t ms = FIRST_MS;
    for (unsigned i = 1; i < failures && ms < LONGEST_MS; i++) {
        ms *= 2;
    }
    ms = ms < LONGEST_MS ? ms : LONGEST_MS;
    uint32_t random;
    uuid u = uuid_v7();
    memcpy(&random, u.b + sizeof u.b - sizeof random, sizeof random);
    return ms * 500000 + (int64_t)((uint64_t)random * (uint64_t)(ms * 500000) >> 32);
}

st_err st_retry(st_engine *e, const struct st_session_options *o, st_err (*fn)(st_session *s, void *arg), void *arg,
                unsigned tries)
{
    assert(fn);
    tries = tries ? tries : TRIES_DEFAULT;
    for (unsigned i = 1;; i++) {
        st_err rc = run_once(e, o, fn, arg);
        if (!may_pass(rc)) {
            return rc;
        }
        int64_t until = fiber_now() + pause_ns(i);
        if (i >= tries || (o->deadline && until >= o->deadline)) {
            return diag_wrap(rc, "tried %u times", i);
        }
        rc = fiber_sleep_until(until);
        if (rc) {
            return rc;
        }
    }
}
