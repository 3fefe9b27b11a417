#include "kills.h"

#include <glob.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "strata/migrate/run.h"

/* ---- what a database holds ---- */

const char *hash_of(struct world *w)
{
    st_conn *c;
    const char *hash;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    OK(migrate_schema_hash(c, w->a, NULL, FIBER_FOREVER, &hash));
    st_conn_release(c);
    return hash;
}

/* Queries that spell, table by table, the query that is asked. */
static const char facts_postgresql[] =
    "SELECT 'SELECT string_agg(f, E''\\n'' ORDER BY f) FROM (' || string_agg(q, ' UNION ALL ') || ') AS tables' FROM ("
    "SELECT format('SELECT %L || '' '' || count(*) %s || '' '' || coalesce(md5(string_agg(line, ''/'' ORDER BY line "
    "COLLATE \"C\")), '''') AS f FROM (SELECT *, concat_ws(''|'', %s) AS line FROM %I) AS x', table_name, "
    "string_agg(format('|| '' '' || count(DISTINCT %I)', column_name), ' ' ORDER BY column_name) "
    "FILTER (WHERE column_name = 'token'), coalesce(string_agg(format('coalesce(%I::text, ''-'')', column_name), ', ' "
    "ORDER BY column_name) FILTER (WHERE column_name <> 'token'), ''''''), table_name) AS q FROM "
    "information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'strata\\_%' GROUP BY "
    "table_name) AS t";
static const char facts_sqlite[] =
    "SELECT 'SELECT group_concat(f, char(10)) FROM (' || group_concat(q, ' UNION ALL ') || ')' FROM (SELECT 'SELECT ' "
    "|| quote(t) || ' || '' '' || count(*)' || coalesce(group_concat(CASE c WHEN 'token' THEN ' || '' '' || "
    "count(DISTINCT \"' || c || '\")' END, ''), '') || ' || '' '' || coalesce(group_concat(line, char(10)), '''') AS f "
    "FROM (SELECT *, ' || coalesce(group_concat(CASE WHEN c <> 'token' THEN 'quote(\"' || c || '\")' END, ' || ''|'' "
    "|| '), '''''') || ' AS line FROM \"' || t || '\" ORDER BY line)' AS q FROM (SELECT m.name AS t, x.name AS c FROM "
    "sqlite_schema AS m, pragma_table_xinfo(m.name) AS x WHERE m.type = 'table' AND m.name NOT "
    "LIKE 'strata\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1, 2) GROUP BY t)";

const char *facts_of(struct world *w)
{
    bool lite = w->dialect == ST_SQLITE;
    const char *facts = text_of(w, text_of(w, lite ? facts_sqlite : facts_postgresql));
    ck_assert_str_ne(facts, "");
    return lite ? migrate_hash_text(w->a, facts, strlen(facts)) : facts;
}

static const char *revisions_of(struct world *w)
{
    const char *sql = "SELECT group_concat(id, ' ') FROM (SELECT id FROM strata_revisions ORDER BY id)";
    return text_of(w, w->dialect == ST_SQLITE ? sql : "SELECT string_agg(id, ' ' ORDER BY id) FROM strata_revisions");
}

int64_t journal_rows(struct world *w)
{
    bool there = number(w, w->dialect == ST_SQLITE
                               ? "SELECT count(*) FROM sqlite_schema WHERE name = 'strata_journal'"
                               : "SELECT count(*) FROM pg_class WHERE oid = to_regclass('strata_journal')") > 0;
    return there ? number(w, "SELECT count(*) FROM strata_journal") : 0;
}

/* ---- the world, with and without an engine ---- */

void world_pause(struct world *w)
{
    st_engine_close(w->e);
    fiber_loop_close(w->loop);
    w->e = NULL;
}

void world_wake(struct world *w)
{
    OK(fiber_loop_open(NULL, &w->loop));
    OK(st_engine_open(w->url, NULL, &w->e));
}

static const char *file_of(const struct course *c)
{
    return c->w.url + strlen("sqlite:///");
}

/* What lies beside the file, by what follows its name. */
static size_t beside(const struct course *c, const char *pattern, bool remove_them)
{
    glob_t g;
    size_t n = 0;
    if (glob(server_printf("%s%s", file_of(c), pattern), 0, NULL, &g) == 0) {
        n = g.gl_pathc;
        for (size_t i = 0; remove_them && i < n; i++) {
            ck_assert_int_eq(unlink(g.gl_pathv[i]), 0);
        }
        globfree(&g);
    }
    return n;
}

static void copy_file(const char *from, const char *to)
{
    char block[8192];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    ck_assert(in && out);
    for (size_t n; (n = fread(block, 1, sizeof block, in)) > 0;) {
        ck_assert_uint_eq(fwrite(block, 1, n, out), n);
    }
    ck_assert_int_eq(fclose(in), 0);
    ck_assert_int_eq(fclose(out), 0);
}

/* ---- the recipe ---- */

static st_err run(struct course *c, bool up, bool unsafe)
{
    const struct st_migrate_options o = {.unsafe = unsafe, .no_snapshot = unsafe, .direct_url = c->direct};
    return up ? st_upgrade_with(c->w.e, &c->recipe->history, recipe_end(c->recipe), &o, FIBER_FOREVER)
              : st_downgrade_with(c->w.e, &c->recipe->history, recipe_start(c->recipe), &o, FIBER_FOREVER);
}

st_err course_run(struct course *c)
{
    const struct st_migrate_options o = {.direct_url = c->direct};
    return c->way == COURSE_GO ? run(c, c->up, false)
                               : migrate_abandon(c->w.e, &c->recipe->history, c->way == COURSE_KEEP,
                                                 c->way == COURSE_LEAVE, &o, FIBER_FOREVER);
}

static void build(struct course *c)
{
    const struct st_migrate_options o = {.unsafe = true, .no_snapshot = true, .direct_url = c->direct};
    OK(st_upgrade_with(c->w.e, &c->recipe->history, recipe_start(c->recipe), &o, FIBER_FOREVER));
    if (!c->up) {
        OK(run(c, true, !c->recipe->phases));
        must(&c->w, "DROP TABLE IF EXISTS strata_journal");
    }
}

void course_reset(struct course *c)
{
    if (c->w.dialect == ST_SQLITE) {
        if (c->w.e) {
            world_pause(&c->w);
        }
        (void)beside(c, "*", true);
        copy_file(c->stash, file_of(c));
        return;
    }
    if (!c->w.e) {
        world_wake(&c->w);
    }
    must(&c->w, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    build(c);
    world_pause(&c->w);
}

static void fall_at(void *arg, const char *sql)
{
    struct course *c = arg;
    struct course_watch *f = c->watch;
    bool point = c->w.dialect == ST_SQLITE || strcmp(sql, "COMMIT") == 0 || strstr(sql, "CONCURRENTLY");
    if ((point || f->after) && ++f->seen == f->at) {
        (void)raise(SIGKILL); /* so that valgrind does not look at what is still in use */
    }
    f->after = point;
    f->copying = strncmp(sql, "INSERT INTO \"strata_new_", 24) == 0;
}

pid_t course_start(struct course *c, uint64_t n)
{
    int ready[2];
    ck_assert_ptr_null(c->w.e);
    ck_assert_int_eq(pipe(ready), 0);
    *c->watch = (struct course_watch){.at = n};
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        world_wake(&c->w);
        st_engine_trace(c->w.e, fall_at, c);
        ck_assert_int_eq(write(ready[1], "", 1), 1);
        st_err rc = course_run(c);
        if (rc) {
            (void)fprintf(stderr, "# %s: %s\n", c->recipe->name, diag_last()->message);
        }
        _exit(rc ? 1 : 0);
    }
    char byte;
    (void)close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

bool course_wait(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ck_assert_msg(killed || status == 0, "status %d", status);
    return killed;
}

void course_go_on(struct course *c, bool killed)
{
    struct world *w = &c->w;
    world_wake(w);
    c->kills++;
    c->late += !killed;
    c->between += journal_rows(w) > 0;
    OK(run(c, c->up, false));
    ck_assert_str_eq(hash_of(w), c->hash);
    ck_assert_str_eq(text_of(w, "SELECT schema_hash FROM strata_revisions ORDER BY applied_at DESC, id DESC LIMIT 1"),
                     c->hash);
    ck_assert_str_eq(facts_of(w), c->facts);
    ck_assert_str_eq(revisions_of(w), c->revisions);
    ck_assert_int_eq(journal_rows(w), 0);
    if (w->dialect == ST_POSTGRESQL) {
        ck_assert_int_eq(number(w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    } else {
        ck_assert_uint_eq(beside(c, ".before*", false), 0);
        ck_assert_int_eq(number(w, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    }
}

/* By a process like those that are killed. */
static void run_in_one_go(struct course *c)
{
    pid_t pid = course_start(c, 0);
    int64_t began = clock_mono_ns();
    ck_assert(!course_wait(pid));
    c->took_us = (clock_mono_ns() - began) / 1000;
    c->points = c->watch->seen;
    ck_assert_uint_gt(c->points, 0);
}

void course_open(struct course *c, enum st_dialect d, const struct recipe *r, bool up)
{
    *c = (struct course){.recipe = r, .up = up, .pool = c->pool, .direct = c->direct};
    world_running(server_printf("%s, %s", r->name, up ? "up" : "down"));
    world_open(&c->w, d, NULL);
    if (c->pool) {
        c->direct = c->direct ? c->w.url : NULL;
        world_reopen(&c->w, server_printf("%s?pooler=transaction", pgbouncer_url(c->pool, c->w.url)), NULL);
    }
    c->watch = mmap(NULL, sizeof *c->watch, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(c->watch, MAP_FAILED);
    (void)snprintf(c->stash, sizeof c->stash, "%s/stash", c->w.dir);
    if (d == ST_SQLITE) {
        build(c);
        world_pause(&c->w);
        ck_assert_uint_eq(beside(c, "?*", false), 0);
        copy_file(file_of(c), c->stash);
    } else {
        course_reset(c);
    }
    run_in_one_go(c);
    world_wake(&c->w);
    c->hash = hash_of(&c->w);
    c->facts = facts_of(&c->w);
    c->revisions = revisions_of(&c->w);
}

void course_tell(struct course *c, const char *what)
{
    if (getenv("WAYMARK_TEST_KILLS")) {
        (void)fprintf(stderr, "# %s; %s; %s; %u %s; %u too late; %u between phases; %.1f ms in one go\n",
                      c->w.dialect == ST_SQLITE ? "sqlite" : "postgresql", c->recipe->name, c->up ? "up" : "down",
                      c->kills, what, c->late, c->between, (double)c->took_us / 1000);
    }
    c->kills = c->late = c->between = 0;
}

void course_close(struct course *c)
{
    if (!c->w.e) {
        world_wake(&c->w);
    }
    world_running(NULL);
    ck_assert_int_eq(munmap(c->watch, sizeof *c->watch), 0);
    world_close(&c->w);
}
