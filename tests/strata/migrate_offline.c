/* Revisions as SQL: what psql and SQLite make of it is what an upgrade makes. */
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "notes.h"
#include "strata/migrate/run.h"

static st_err add_three(struct st_session *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}
static st_err up_step(st_ops *o)
{
    return st_run_step(o, "add three", add_three, NULL);
}
static const st_revision step = {
    .id = "z9", .parents = {"some"}, .message = "step", .upgrade = up_step, .downgrade = up_step};

static const struct st_migrations history = {
    .revisions = (const st_revision *const[]){&notes_first, &notes_some, &step, NULL}, .program = "prog migrate"};

static char *out, *err;

static int run(st_engine *e, const char *args)
{
    char line[200], *argv[12] = {line};
    int argc = 1;
    (void)snprintf(line, sizeof line, "migrate %s", args);
    for (char *p = strchr(line, ' '); p && p[1]; p = strchr(p, ' ')) {
        *p++ = '\0';
        argv[argc++] = p;
    }
    size_t n;
    free(out);
    free(err);
    FILE *o = open_memstream(&out, &n), *x = open_memstream(&err, &n);
    int code = st_migrate_main(e, &history, argc, argv, o, x);
    (void)fclose(o);
    (void)fclose(x);
    return code;
}

static void must_run(st_engine *e, const char *args)
{
    int code = run(e, args);
    ck_assert_msg(code == 0, "%s: %d: %s", args, code, err);
}

/* Gives it to psql or to SQLite. */
static void feed(struct world *w, const char *script)
{
    if (w->dialect == ST_SQLITE) {
        OK(st_engine_execute(w->e, script, FIBER_FOREVER));
        return;
    }
    char path[] = "/tmp/strata-offline-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("psql", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path, w->url, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)close(fd);
    (void)unlink(path);
    ck_assert_msg(status == 0, "psql ended with %d", status);
}

static const char *hash_of(struct world *w)
{
    st_conn *c;
    const char *hash;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    OK(migrate_schema_hash(c, w->a, NULL, FIBER_FOREVER, &hash));
    st_conn_release(c);
    return hash;
}

static const char rows[] = "SELECT count(*) || ' ' || count(loud) || ' ' || min(length(loud)) FROM notes";

static void there_and_back(enum st_dialect d)
{
    const char *name = d == ST_SQLITE ? "sqlite" : "postgresql";
    struct world online, w;
    world_open(&online, d, NULL);
    OK(st_upgrade(online.e, &history, "head", FIBER_FOREVER));
    const char *top = arena_strdup(online.a, hash_of(&online)),
               *filled = arena_strdup(online.a, text_of(&online, rows));
    char top_copy[64], filled_copy[64];
    (void)snprintf(top_copy, sizeof top_copy, "%s", top);
    (void)snprintf(filled_copy, sizeof filled_copy, "%s", filled);
    world_close(&online);

    world_open(&w, d, NULL);
    must_run(NULL, server_printf("upgrade --sql --dialect %s", name));
    ck_assert_msg(strstr(out, "-- left out, since it is C: step add three") != NULL, "%s", out);
    feed(&w, out);
    ck_assert_str_eq(hash_of(&w), top_copy);
    ck_assert_str_eq(text_of(&w, rows), filled_copy);
    ck_assert(st_is_at_head(w.e, &history));
    OK(st_upgrade(w.e, &history, "head", FIBER_FOREVER)); /* nothing is left, and the tables are as it knows them */
    must_run(w.e, "upgrade --sql");                       /* the database says what it lacks */
    ck_assert_str_eq(out, "");

    /* Back to the first revision, and there again, by ranges. */
    must_run(NULL, server_printf("downgrade --sql --dialect %s head:n0", name));
    feed(&w, out);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_revisions"), 1);
    const char *bottom = hash_of(&w);
    must_run(NULL, server_printf("upgrade --sql --dialect %s n0:some", name));
    ck_assert_ptr_null(strstr(out, "CREATE TABLE \"notes\" ("));
    feed(&w, out);
    must_run(w.e, "upgrade --sql");
    ck_assert_ptr_nonnull(strstr(out, "upgrade z9: step"));
    feed(&w, out);
    ck_assert_str_eq(hash_of(&w), top_copy);
    must_run(w.e, "downgrade --sql n0");
    feed(&w, out);
    ck_assert_str_eq(hash_of(&w), bottom);
    world_close(&w);
}

START_TEST(psql_gets_to_the_same_schema_and_back)
{
    there_and_back(ST_POSTGRESQL);
}
END_TEST

START_TEST(sqlite_gets_to_the_same_schema_and_back)
{
    there_and_back(ST_SQLITE);
}
END_TEST

START_TEST(what_cannot_be_known_is_asked_for)
{
    ck_assert_int_eq(run(NULL, "upgrade --sql"), 2);
    ck_assert_ptr_nonnull(strstr(err, "--dialect says which SQL"));
    ck_assert_int_eq(run(NULL, "upgrade --sql --dialect oracle"), 2);
    ck_assert_ptr_nonnull(strstr(err, "postgresql or sqlite"));
    ck_assert_int_eq(run(NULL, "downgrade --sql --dialect sqlite n0"), 1);
    ck_assert_ptr_nonnull(strstr(err, "say where the downgrade begins: FROM:n0"));
    ck_assert_int_eq(run(NULL, "upgrade --sql --dialect sqlite nowhere:head"), 1);
    ck_assert_ptr_nonnull(strstr(err, "no revision \"nowhere\""));
}
END_TEST

START_TEST(a_plan_says_what_runs_and_what_it_locks)
{
    must_run(NULL, "plan --dialect postgresql");
    ck_assert_msg(strstr(out, "outside of transactions\n      CREATE UNIQUE INDEX CONCURRENTLY") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "-- SHARE UPDATE EXCLUSIVE on notes, while it is scanned") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "backfill notes, a transaction a batch") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "in C: add three") != NULL, "%s", out);
    must_run(NULL, "plan --dialect postgresql --unsafe");
    ck_assert_msg(strstr(out, "-- ACCESS EXCLUSIVE on notes, while it is scanned") != NULL, "%s", out);
    must_run(NULL, "plan --dialect sqlite");
    ck_assert_msg(strstr(out, "the table notes is built anew") != NULL, "%s", out);
}
END_TEST

RUN("strata migrate offline", 60, CASE(psql_gets_to_the_same_schema_and_back),
    CASE(sqlite_gets_to_the_same_schema_and_back), CASE(what_cannot_be_known_is_asked_for),
    CASE(a_plan_says_what_runs_and_what_it_locks));
