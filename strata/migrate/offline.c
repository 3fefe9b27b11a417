/* Revisions as SQL for another program; see offline.h. */
#include "strata/migrate/offline.h"

#include <errno.h>

#include "strata/migrate/run.h"

struct printer {
    const struct migrate_offline *o;
    arena *a;
    st_engine *e;               /* SQLite: in memory */
    struct migrate_state state; /* as it is at this place of the script */
    struct migrate_scope scope; /* SQLite, for the hash */
    bool quiet;                 /* SQLite: only brings the database in memory to where the script begins */
};

static void print(const struct printer *k, const char *sql)
{
    if (!k->quiet) {
        size_t len = strlen(sql);
        (void)fprintf(k->o->out, "%s%s\n", sql, len && sql[len - 1] == ';' ? "" : ";");
    }
}

static void remark(const struct printer *k, const char *text, const char *name)
{
    if (!k->quiet) {
        (void)fprintf(k->o->out, "-- %s%s\n", text, name);
    }
}

static bool is_query(const char *sql)
{
    return strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "WITH", 4) == 0 || strcmp(sql, "PRAGMA foreign_keys") == 0;
}

/* What the database in memory is told, but for questions and for what only settles the connection. */
static void hear(void *arg, const char *sql)
{
    if (!is_query(sql)) {
        print(arg, sql);
    }
}

/* A backfill as one statement; a step in C cannot be said in SQL. c: the database in memory, which must have what later
 * steps look for, and is heard; or NULL. */
static st_err print_step_in_c(const struct printer *k, st_conn *c, const struct migrate_step *s)
{
    if (s->kind == MIGRATE_STEP_RUN) {
        remark(k, "left out, since it is C: step ", s->op->run.name);
        return 0;
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    migrate_backfill_text(&b, k->o->d, s->op->backfill);
    if (b.err) {
        return diag_nomem();
    }
    remark(k, "in batches when the program runs it: table ", s->op->backfill->table);
    if (c) {
        return st_conn_exec(c, b.p, FIBER_FOREVER);
    }
    print(k, b.p);
    return 0;
}

static bool in_c(const struct migrate_step *s)
{
    return s->kind == MIGRATE_STEP_RUN || s->kind == MIGRATE_STEP_BACKFILL;
}

/* ---- PostgreSQL ---- */

/* A question whose answer would be an error becomes a block that fails. */
static st_err print_refusal(const struct printer *k, const struct migrate_step *s)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    buf_puts(&b, "DO $strata$ DECLARE found text; BEGIN EXECUTE ");
    ddl_string(&b, s->sql);
    buf_puts(&b, " INTO found; IF found IS NOT NULL THEN RAISE EXCEPTION '%', ");
    ddl_string(&b, s->refuse);
    buf_puts(&b, " || found; END IF; END $strata$");
    if (b.err) {
        return diag_nomem();
    }
    print(k, b.p);
    return 0;
}

static st_err print_phase(const struct printer *k, const struct migrate_plan *p, const struct migrate_phase *phase)
{
    st_err rc = 0;
    for (size_t i = phase->first; !rc && i < phase->first + phase->n; i++) {
        const struct migrate_step *s = &p->steps[i];
        if (in_c(s)) {
            print(k, "BEGIN");
            print(k, "SET LOCAL strata.system = 'on'");
            rc = print_step_in_c(k, NULL, s);
            print(k, "COMMIT");
        } else if (s->kind == MIGRATE_STEP_REFUSE) {
            rc = print_refusal(k, s);
        } else {
            print(k, s->sql);
        }
    }
    return rc;
}

static st_err print_postgresql(struct printer *k, const struct migrate_plan *p, const struct migrate_plan *record)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->n_phases; i++) {
        const struct migrate_phase *phase = &p->phases[i];
        if (p->n_phases > 1) {
            (void)fprintf(k->o->out, "-- phase %zu of %zu: %s\n", i + 1, p->n_phases, phase->name);
        }
        if (!phase->no_transaction) {
            print(k, "BEGIN");
            print(k, "SET LOCAL lock_timeout = '10s'");
            print(k, "SET LOCAL strata.system = 'on'");
        }
        rc = print_phase(k, p, phase);
        for (size_t r = 0; i + 1 == p->n_phases && r < record->n; r++) {
            print(k, record->steps[r].sql);
        }
        if (!phase->no_transaction) {
            print(k, "COMMIT");
        }
    }
    return rc;
}

/* ---- SQLite ---- */

/* In one transaction: nobody else reads or writes what is in memory, and a script needs no journal. */
static st_err run_in_memory(struct printer *k, st_conn *c, const struct migrate_plan *p,
                            const struct migrate_plan *record)
{
    bool keys_off = false;
    for (size_t i = 0; i < p->n_phases; i++) {
        keys_off = keys_off || p->phases[i].foreign_keys_off;
    }
    st_engine_trace(k->e, hear, k);
    st_err rc = keys_off ? st_conn_exec(c, "PRAGMA foreign_keys = OFF", FIBER_FOREVER) : 0;
    rc = rc ? rc : st_conn_exec(c, "BEGIN IMMEDIATE", FIBER_FOREVER);
    for (size_t i = 0; !rc && i < p->n; i++) {
        rc = in_c(&p->steps[i]) ? print_step_in_c(k, c, &p->steps[i])
                                : migrate_run_step(c, k->a, &p->steps[i], FIBER_FOREVER);
    }
    for (size_t i = 0; !rc && i < record->n; i++) {
        rc = migrate_run_step(c, k->a, &record->steps[i], FIBER_FOREVER);
    }
    rc = rc ? rc : migrate_hash_store(c, k->a, &k->scope, FIBER_FOREVER);
    rc = rc ? rc : st_conn_exec(c, "COMMIT", FIBER_FOREVER);
    rc = rc || !keys_off ? rc : st_conn_exec(c, "PRAGMA foreign_keys = ON", FIBER_FOREVER);
    st_engine_trace(k->e, NULL, NULL);
    return rc;
}

static st_err print_sqlite(struct printer *k, const struct migrate_plan *p, const struct migrate_plan *record)
{
    st_conn *c;
    st_err rc = st_conn_acquire(k->e, true, FIBER_FOREVER, &c);
    if (!rc) {
        rc = run_in_memory(k, c, p, record);
        st_conn_release(c);
    }
    return rc;
}

/* ---- both ---- */

static st_err print_revision(struct printer *k, const st_revision *rev, bool up)
{
    struct migrate_plan p, record = {0};
    st_err rc = migrate_plan_revision(k->a, k->o->d, rev, up, k->o->unsafe, &p);
    rc = rc ? rc : migrate_record(k->a, k->o->d, &k->state, rev, up, &record);
    if (!k->quiet) {
        (void)fprintf(k->o->out, "%s-- %s %s: %s\n", k->state.table_exists ? "\n" : "", up ? "upgrade" : "downgrade",
                      rev->id, rev->message);
    }
    k->state.table_exists = k->state.has_hash = true;
    rc = rc ? rc : k->o->d == ST_SQLITE ? print_sqlite(k, &p, &record) : print_postgresql(k, &p, &record);
    return rc ? diag_wrap(rc, "%s of the revision %s", up ? "upgrade" : "downgrade", rev->id) : 0;
}

/* Marks a revision and all that it builds on. */
static st_err mark(const struct migrate_graph *g, const char *name, bool *applied)
{
    return strcmp(name, "base") == 0 ? 0 : migrate_resolve_upgrade(g, name, applied, applied);
}

/* What is applied where the script begins, and the target. FROM:TO says both. */
static st_err where_from(struct printer *k, bool *applied, const char **ret_target)
{
    const struct migrate_offline *o = k->o;
    const char *range = o->range ? o->range : "head", *colon = strchr(range, ':');
    if (!colon) {
        *ret_target = range;
        st_err rc = o->e ? migrate_look(o->e, k->a, FIBER_FOREVER, &k->state) : 0;
        rc = rc || !o->e ? rc : migrate_state_flags(o->g, &k->state, applied);
        if (rc || o->e || o->up) {
            return rc;
        }
        diag_set(ST_E_INVALID, "without a database, say where the downgrade begins: FROM:%s", range);
        return ST_E_INVALID;
    }
    *ret_target = colon[1] ? colon + 1 : "head";
    const char *from = arena_memdup0(k->a, range, (size_t)(colon - range));
    bool *marked = ARENA_ARRAY(k->a, bool, o->g->n);
    st_err rc = from && marked ? mark(o->g, *from ? from : "base", marked) : diag_nomem();
    if (!rc) {
        memcpy(applied, marked, o->g->n * sizeof *marked);
        k->state.table_exists = k->state.has_hash = *from && strcmp(from, "base") != 0;
    }
    return rc;
}

/* The database in memory gets what is applied. */
static st_err come_there(struct printer *k, const bool *applied)
{
    bool exists = k->state.table_exists, has_hash = k->state.has_hash;
    st_err rc = migrate_scope_of(k->a, ST_SQLITE, k->o->m, k->o->g, &k->scope);
    rc = rc ? rc : st_engine_open("sqlite:///:memory:", NULL, &k->e);
    k->quiet = true;
    k->state.table_exists = k->state.has_hash = false;
    for (size_t i = 0; !rc && i < k->o->g->n; i++) {
        if (applied[i]) {
            rc = print_revision(k, k->o->g->nodes[i].rev, true);
        }
    }
    k->quiet = false;
    k->state.table_exists = exists;
    k->state.has_hash = has_hash;
    return rc;
}

static st_err print_all(struct printer *k)
{
    const struct migrate_offline *o = k->o;
    const char *target;
    bool *applied = ARENA_ARRAY(k->a, bool, o->g->n), *todo = ARENA_ARRAY(k->a, bool, o->g->n);
    st_err rc = applied && todo ? where_from(k, applied, &target) : diag_nomem();
    rc = rc      ? rc
         : o->up ? migrate_resolve_upgrade(o->g, target, applied, todo)
                 : migrate_resolve_downgrade(k->a, o->g, target, applied, todo);
    rc = rc || o->d == ST_POSTGRESQL ? rc : come_there(k, applied);
    for (size_t n = 0; !rc && n < o->g->n; n++) {
        size_t i = o->up ? n : o->g->n - 1 - n;
        const st_revision *rev = o->g->nodes[i].rev;
        if (!todo[i] || applied[i] == o->up) {
            continue;
        }
        rc = !o->up && !rev->downgrade
                 ? diag_set(ST_E_INVALID, "revision %s cannot be undone: it has no downgrade", rev->id)
                 : print_revision(k, rev, o->up);
    }
    return rc;
}

st_err migrate_offline(const struct migrate_offline *o)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct printer k = {.o = o, .a = a};
    st_err rc = a ? print_all(&k) : diag_nomem();
    st_engine_close(k.e);
    return rc;
}
