/* Who stands in the way of a lock. It must be asked while one waits: afterwards nobody knows any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "strata/migrate/run.h"

struct look {
    const struct migrate_runner *r;
    int32_t pid;
    int64_t start, at;
    char text[400];
};

static int take_text(void *arg, void *obj)
{
    struct look *k = arg;
    const char *s = *(const char *const *)obj;
    (void)snprintf(k->text, sizeof k->text, "%s", s ? s : "");
    return 0;
}

/* A fiber beside the step; it is cancelled when the step is over. */
static int look(void *arg)
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    struct look *k = arg;
    const st_value pid = {.type = ST_INT32, .i32 = k->pid};
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    st_conn *c;
    if (!a || fiber_sleep_until(k->at) || st_conn_acquire(k->r->e, false, fiber_in_ms(2000), &c)) {
        return 0;
    }
    struct st_stmt q = {
        .sql = STR(
            "SELECT string_agg(format('pid %s (%s%s, since %s, %s s): %s', pid, coalesce(nullif(application_name, ''), "
            "usename::text), coalesce(', ' || state, ''), coalesce(to_char(xact_start, 'HH24:MI:SS'), '?'), "
            "coalesce(round(extract(epoch FROM clock_timestamp() - xact_start))::text, '?'), "
            "left(regexp_replace(query, '\\s+', ' ', 'g'), 100)), '; ' ORDER BY xact_start) "
            "FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids($1::int4))"),
        .params = &pid,
        .n_params = 1,
        .shape = &shape,
        .arena = a,
        .row = take_text,
        .arg = k};
    (void)st_conn_run(c, &q, 1, fiber_in_ms(2000), NULL);
    st_conn_release(c);
    return 0;
}

static int take_pid(void *arg, void *obj)
{
    *(int32_t *)arg = *(const int32_t *)obj;
    return 0;
}

static st_err own_pid(struct migrate_runner *r, arena *a, int32_t *ret)
{
    static const struct st_field field = {.type = ST_INT32};
    static const struct st_shape shape = {&field, 1, sizeof(int32_t), 0};
    *ret = st_conn_backend(r->conn);
    struct st_stmt q = {
        .sql = STR("SELECT pg_backend_pid()"), .shape = &shape, .arena = a, .row = take_pid, .arg = ret};
    return r->pooled ? st_conn_run(r->conn, &q, 1, r->deadline, NULL) : 0;
}

/* What blocks is known to the watcher; the lock and the table to the step. */
static st_err explain(const struct look *k, const struct migrate_step *s, st_err rc)
{
    long pid = strncmp(k->text, "pid ", 4) == 0 ? strtol(k->text + 4, NULL, 10) : 0;
    if (rc != ST_E_BUSY) {
        return rc;
    }
    diag_set(rc, "a lock on the table %s was not granted in %.1f s: %s", s->locked ? s->locked : "it changes",
             (double)(fiber_now() - k->start) / 1e9, /* a plan may be shorter about it than the options */
             k->text[0] ? k->text : "what holds it is not known");
    if (pid > 0) {
        diag_hint("let it end, or end it: SELECT pg_terminate_backend(%ld); the same command then goes on from here",
                  pid);
    } else {
        diag_hint("the same command goes on from here");
    }
    return rc;
}

st_err migrate_watched_step(struct migrate_runner *r, arena *a, const struct migrate_step *s)
{
    if (r->d == ST_SQLITE) {
        return migrate_run_step(r->conn, a, s, r->deadline);
    }
    struct look k = {.r = r, .start = fiber_now(), .at = fiber_in_ms(r->o.lock_timeout_ms - r->o.lock_timeout_ms / 4)};
    st_err rc = own_pid(r, a, &k.pid);
    if (rc) {
        return rc;
    }
    FIBER_BUNDLE(b);
    (void)fiber_start(&b, look, &k); /* without it a message says less */
    rc = migrate_run_step(r->conn, a, s, r->deadline);
    return explain(&k, s, rc);
}
