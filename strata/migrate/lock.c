/* One upgrade at a time.
 *
 * PostgreSQL: an advisory lock. On a direct connection it is the session's and held over all transactions of the
 * upgrade; behind a transaction pooler, where the next transaction may be another session's, it is the transaction's.
 * It is asked for again and again instead of being waited for: a statement that waits has a snapshot, for which a
 * CREATE INDEX CONCURRENTLY of the upgrade that has the lock would wait in turn.
 * SQLite: the writer's lock, transaction by transaction. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/run.h"

enum { ASK_FIRST_MS = 20, ASK_LONGEST_MS = 500, TELL_MS = 1000 };

static int take_bool(void *arg, void *obj)
{
    *(bool *)arg = *(const bool *)obj;
    return 0;
}

static st_err ask(st_conn *c, arena *a, str sql, int64_t deadline, bool *ret)
{
    static const struct st_field field = {.type = ST_BOOL};
    static const struct st_shape shape = {&field, 1, sizeof(bool), 0};
    *ret = false;
    struct st_stmt q = {.sql = sql, .shape = &shape, .arena = a, .row = take_bool, .arg = ret};
    return st_conn_run(c, &q, 1, deadline, NULL);
}

enum { HOLDER_MAX = 300 };

static int take_holder(void *arg, void *obj)
{
    const char *s = *(const char *const *)obj;
    (void)snprintf(arg, HOLDER_MAX, "%s", s ? s : "");
    return 0;
}

/* "pid 812 (waymark from 10.0.0.7, connected since 2026-11-22 09:14:03 UTC)", as far as that is told to this role. */
static void find_holder(st_conn *c, arena *a, int64_t deadline, char ret[static HOLDER_MAX])
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    ret[0] = '\0';
    struct st_stmt q = {
        .sql = STR(
            "SELECT string_agg(format('pid %s (%s%s%s)', a.pid, coalesce(nullif(a.application_name, ''), "
            "a.usename::text), coalesce(' from ' || host(a.client_addr), ''), coalesce(to_char(a.backend_start AT TIME "
            "ZONE 'UTC', '\", connected since \"YYYY-MM-DD HH24:MI:SS\" UTC\"'), '')), '; ') FROM pg_catalog.pg_locks "
            "AS l "
            "JOIN pg_catalog.pg_stat_activity AS a USING (pid) JOIN pg_catalog.pg_database AS d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database() AND l.objsubid = 1 AND "
            "(l.classid::bigint << 32 | l.objid::bigint) = " MIGRATE_LOCK_NUMBER),
        .shape = &shape,
        .arena = a,
        .row = take_holder,
        .arg = ret};
    struct diag kept = *diag_last();
    if (st_conn_run(c, &q, 1, deadline, NULL)) {
        *diag_last() = kept;
    }
}

/* The pause before it is asked for again; -ETIMEDOUT when it would outlast the deadline. */
static st_err pause_asking(unsigned asked, int64_t deadline, const char *holder)
{
    int64_t ms = asked < 6 ? ASK_FIRST_MS << asked : ASK_LONGEST_MS;
    int64_t until = fiber_in_ms(ms < ASK_LONGEST_MS ? ms : ASK_LONGEST_MS), last = fiber_deadline(deadline);
    st_err rc = fiber_sleep_until(until < last ? until : last);
    return rc ? rc
           : until < last
               ? 0
               : diag_set(-ETIMEDOUT, "another upgrade had it all the time%s%s", *holder ? ": " : "", holder);
}

static void tell_waiting(const struct migrate_runner *r, int64_t *told, const char *holder)
{
    if (r && fiber_now() - *told >= TELL_MS * INT64_C(1000000)) {
        *told = fiber_now();
        migrate_tell(r, (struct st_migrate_progress){.event = ST_M_WAIT, .note = *holder ? holder : NULL});
    }
}

/* With a lock of the transaction, when it is not held already. r may be NULL. */
static st_err begin_postgresql(st_conn *c, const struct migrate_runner *r, const char *begin, bool held,
                               int64_t deadline)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    int64_t told = fiber_now();
    char holder[HOLDER_MAX] = "";
    if (!a) {
        return diag_nomem();
    }
    for (unsigned asked = 0;; asked++) {
        bool mine = held;
        st_err rc = st_conn_exec(c, begin, deadline);
        rc = rc || held ? rc
                        : ask(c, a, STR("SELECT pg_try_advisory_xact_lock(" MIGRATE_LOCK_NUMBER ")"), deadline, &mine);
        if (rc || mine) {
            return rc;
        }
        if (asked % 8 == 0) {
            find_holder(c, a, deadline, holder);
        }
        tell_waiting(r, &told, holder);
        rc = st_conn_exec(c, "ROLLBACK", deadline);
        rc = rc ? rc : pause_asking(asked, deadline, holder);
        if (rc) {
            return rc;
        }
    }
}

/* lock_timeout, so that a change which waits for a long reader does not make everybody else queue behind it. */
static int spell_begin(char *out, size_t size, int64_t lock_ms, int64_t statement_ms)
{
    return snprintf(
        out, size,
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = %lld; SET LOCAL statement_timeout = "
        "%lld; SET LOCAL strata.system = 'on'", /* for changes of rows, see rls.c */
        (long long)lock_ms, (long long)statement_ms);
}

st_err migrate_begin(st_conn *c, int64_t deadline)
{
    assert(!st_conn_in_transaction(c));
    char begin[256];
    (void)spell_begin(begin, sizeof begin, MIGRATE_LOCK_LONG_MS, MIGRATE_STATEMENT_MS);
    st_err rc = st_conn_dialect(c) == ST_SQLITE ? st_conn_exec(c, "BEGIN IMMEDIATE", deadline)
                                                : begin_postgresql(c, NULL, begin, false, deadline);
    return rc ? diag_wrap(rc, "waiting for the lock on the schema") : 0;
}

st_err migrate_begin_locked(struct migrate_runner *r)
{
    assert(r->conn && !st_conn_in_transaction(r->conn));
    char begin[256];
    (void)spell_begin(begin, sizeof begin, r->o.lock_timeout_ms, r->o.statement_timeout_ms);
    st_err rc = r->d == ST_SQLITE ? st_conn_exec(r->conn, "BEGIN IMMEDIATE", r->deadline)
                                  : begin_postgresql(r->conn, r, begin, r->held, r->deadline);
    return rc ? diag_wrap(rc, "waiting for the lock on the schema") : 0;
}

st_err migrate_commit(struct migrate_runner *r)
{
    st_err rc = st_conn_exec(r->conn, "COMMIT", r->deadline);
    r->committed = r->committed || !rc;
    return rc;
}

void migrate_roll_back(struct migrate_runner *r)
{
    struct diag kept = *diag_last();
    if (r->conn && st_conn_in_transaction(r->conn)) {
        (void)st_conn_exec(r->conn, "ROLLBACK", r->deadline); /* else releasing the connection does it */
    }
    *diag_last() = kept;
}

/* The lock over all transactions, and the settings of what runs outside of them. */
static st_err hold(struct migrate_runner *r, arena *a)
{
    int64_t told = fiber_now();
    char holder[HOLDER_MAX] = "";
    for (unsigned asked = 0; !r->held; asked++) {
        st_err rc = ask(r->conn, a, STR("SELECT pg_try_advisory_lock(" MIGRATE_LOCK_NUMBER ")"), r->deadline, &r->held);
        if (!rc && !r->held) {
            if (asked % 8 == 0) {
                find_holder(r->conn, a, r->deadline, holder);
            }
            tell_waiting(r, &told, holder);
            rc = pause_asking(asked, r->deadline, holder);
        }
        if (rc) {
            return diag_wrap(rc, "waiting for the lock on the schema");
        }
    }
    /* A server that is not told would go on for hours with an index that nobody waits for; older ones, and those on
     * systems that cannot see a connection end, have to. */
    char settings[400];
    (void)snprintf(
        settings, sizeof settings,
        "SET lock_timeout = %lld; SET statement_timeout = %lld; SET strata.system = "
        "'on'; DO $$BEGIN PERFORM set_config('client_connection_check_interval', '1s', false); "
        "EXCEPTION WHEN OTHERS THEN NULL; END$$",
        (long long)(r->o.lock_timeout_ms > MIGRATE_LOCK_LONG_MS ? r->o.lock_timeout_ms : MIGRATE_LOCK_LONG_MS),
        (long long)r->o.statement_timeout_ms);
    return st_conn_exec(r->conn, settings, r->deadline);
}

static int take_int(void *arg, void *obj)
{
    *(int32_t *)arg = *(const int32_t *)obj;
    return 0;
}

/* A pooler answers for the server when a connection is made, and cannot know which process will serve it. */
static st_err find_pooler(struct migrate_runner *r, arena *a)
{
    static const struct st_field field = {.type = ST_INT32};
    static const struct st_shape shape = {&field, 1, sizeof(int32_t), 0};
    int32_t pid = 0;
    struct st_stmt q = {
        .sql = STR("SELECT pg_backend_pid()"), .shape = &shape, .arena = a, .row = take_int, .arg = &pid};
    st_err rc = st_conn_run(r->conn, &q, 1, r->deadline, NULL);
    r->pooled = pid != st_conn_backend(r->conn);
    return rc;
}

/* A connection of its own: closing it gives back the lock and the settings whatever has happened. */
static st_err open_direct(struct migrate_runner *r)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    st_err rc = a ? st_engine_open_again(r->e, r->o.direct_url, &r->direct) : diag_nomem();
    if (!rc && st_engine_dialect(r->direct) != ST_POSTGRESQL) {
        rc = diag_set(ST_E_URL, "%s is no PostgreSQL database", st_engine_url(r->direct));
    }
    rc = rc ? rc : st_conn_acquire(r->direct, true, r->deadline, &r->conn);
    rc = rc ? rc : find_pooler(r, a);
    if (!rc && r->pooled && r->o.direct_url) {
        diag_set(ST_E_URL, "%s leads through a pooler, too: the server's process is not the one that was connected to",
                 st_engine_url(r->direct));
        diag_hint("give the address of PostgreSQL itself");
        rc = ST_E_URL;
    }
    if (rc && r->o.direct_url) {
        return diag_wrap(rc, "direct URL");
    }
    return rc || r->pooled ? rc : hold(r, a);
}

st_err migrate_open(struct migrate_runner *r)
{
    bool known = st_engine_pooler(r->e) && !r->o.direct_url;
    if (r->d == ST_POSTGRESQL && !known) {
        return open_direct(r);
    }
    r->pooled = known;
    return st_conn_acquire(r->e, true, r->deadline, &r->conn);
}

void migrate_close(struct migrate_runner *r)
{
    if (r->conn) {
        st_conn_release(r->conn); /* rolls back what failed */
    }
    st_engine_close(r->direct);
    r->conn = NULL;
    r->direct = NULL;
}
