#include "offline.h"

#include <assert.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "strata/engine/conn.h"
#include "strata/migrate/offline.h"

enum { PROVEN_MAX = 4096 };

static struct {
    const char *off;
    unsigned every, calls;
    bool busy; /* a run of ours */
    uint64_t proven[PROVEN_MAX];
    size_t n;
    const char *copy; /* PostgreSQL: the database that copies are put into */
    long copy_of;     /* the process it belongs to */
} state = {.every = 1};

void offline_off(const char *why)
{
    state.off = why;
    if (why) {
        (void)printf("# not as a script: %s\n", why);
    }
}

void offline_every(unsigned n)
{
    state.every = n;
}

/* ---- other programs ---- */

/* in: what it reads, or NULL. *said is free again four calls later. */
static int run_program(const char *const *argv, const char *in, const char **said)
{
    FILE *input = tmpfile(), *output = tmpfile();
    ck_assert(input && output);
    if (in) {
        ck_assert_uint_eq(fwrite(in, 1, strlen(in), input), strlen(in));
        rewind(input);
    }
    pid_t pid = fork();
    if (pid == 0) {
        char *words[16];
        size_t n = 0;
        assert(argv[0]);
        for (; argv[n] && n < 15; n++) {
            words[n] = strdup(argv[n]);
        }
        words[n] = NULL;
        (void)dup2(fileno(input), 0);
        (void)dup2(fileno(output), 1);
        (void)dup2(fileno(output), 2);
        (void)execvp(words[0], words);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)fseek(output, 0, SEEK_END);
    long len = ftell(output);
    rewind(output);
    char *text = malloc((size_t)len + 1);
    ck_assert_ptr_nonnull(text);
    text[fread(text, 1, (size_t)len, output)] = '\0';
    (void)fclose(input);
    (void)fclose(output);
    static char *kept[4];
    static unsigned next;
    free(kept[next % 4]);
    *said = kept[next++ % 4] = text;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *psql(void)
{
    return server_program("/usr/lib/postgresql/15/bin/psql", "postgresql-15");
}

static int feed(const char *url, const char *script, const char **said)
{
    const char *file = strncmp(url, "sqlite://", 9) == 0 ? url + strlen("sqlite:///") : NULL;
    if (file) {
        return run_program((const char *const[]){server_program("/usr/bin/sqlite3", "sqlite3"), "-batch", file, NULL},
                           script, said);
    }
    return run_program((const char *const[]){psql(), "-X", "-f", "-", url, NULL}, script, said);
}

int offline_feed(st_engine *e, const char *script, const char **said)
{
    return feed(e->given, script, said);
}

/* ---- the copy ---- */

/* The one server of the tests, without a pooler between. */
static bool is_reached(const st_engine *e)
{
    const char *admin = getenv("WAYMARK_TEST_PG"), *at = admin ? strchr(admin, '@') : NULL,
               *there = strchr(e->given, '@');
    if (st_engine_dialect(e) == ST_SQLITE) {
        return !strstr(e->given, ":memory:");
    }
    return at && there && !st_engine_pooler(e) && strncmp(at, there, strcspn(at, "/") + 1) == 0;
}

static const char *role_of(const char *url)
{
    return strncmp(url, "postgresql://postgres", 21) == 0 ? "admin" : "owner";
}

/* An empty database, the same for each copy of this process. */
static const char *empty_database(void)
{
    if (state.copy_of != (long)getpid()) {
        state.copy = pg_test_url();
        state.copy_of = (long)getpid();
        return state.copy;
    }
    pg_test_exec(
        pg_test_url_as(state.copy, PG_ADMIN),
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA "
        "public TO PUBLIC");
    return state.copy;
}

/* Its URL, for the same role, or NULL when it could not be copied. */
static const char *copy_of(struct world *w)
{
    const char *said, *url = w->e->given;
    if (w->dialect == ST_SQLITE) {
        const char *file = url + strlen("sqlite:///"), *to = server_printf("%s.copy", file);
        (void)unlink(to);
        int code = run_program((const char *const[]){server_program("/usr/bin/sqlite3", "sqlite3"), file,
                                                     server_printf(".backup '%s'", to), NULL},
                               NULL, &said);
        ck_assert_msg(code == 0, "sqlite3 .backup: %s", said);
        return server_printf("sqlite:///%s", to);
    }
    const char *to = empty_database();
    if (strcmp(text_of(w, "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0") !=
        0) {
        const char *dump;
        int code =
            run_program((const char *const[]){server_program("/usr/lib/postgresql/15/bin/pg_dump", "postgresql-15"),
                                              "--lock-wait-timeout=1000", pg_test_url_as(url, PG_ADMIN), NULL},
                        NULL, &dump);
        if (code) {
            return NULL;
        }
        code = run_program((const char *const[]){psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-",
                                                 pg_test_url_as(to, PG_ADMIN), NULL},
                           dump, &said);
        ck_assert_msg(code == 0, "the copy: %s", said);
    }
    return strcmp(role_of(url), "admin") == 0 ? pg_test_url_as(to, PG_ADMIN) : to;
}

/* ---- what must be the same ---- */

static void same(const char *what, const char *online, const char *offline, const char *script)
{
    if (strcmp(online, offline) != 0) { /* Check takes short messages only */
        size_t at = 0;
        while (online[at] == offline[at]) {
            at++;
        }
        at = at > 200 ? at - 200 : 0;
        (void)fprintf(stderr, "%s\n", script);
        ck_abort_msg("the %s differs; online:\n%.1200s\nby the script:\n%.1200s", what, online + at, offline + at);
    }
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

static const char *journal_of(struct world *w)
{
    bool there;
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    OK(migrate_table_exists(c, w->a, "strata_journal", FIBER_FOREVER, &there));
    st_conn_release(c);
    return there ? text_of(w, "SELECT CAST(count(*) AS text) FROM strata_journal") : "0";
}

static const char *revisions_of(struct world *w)
{
    return text_of(w, w->dialect == ST_SQLITE
                          ? "SELECT group_concat(id || ' ' || parents || ' ' || message || ' ' || "
                            "coalesce(schema_hash, '-'), char(10)) FROM (SELECT * FROM strata_revisions ORDER BY id)"
                          : "SELECT string_agg(format('%s %s %s %s', id, parents, message, schema_hash), E'\\n' ORDER "
                            "BY id) FROM strata_revisions");
}

/* "table<TAB>column<TAB>", ended by a byte that no name has; of those whose values no two runs share, with a question
 * mark behind. */
static const char *columns_of(struct world *w)
{
    return text_of(
        w,
        w->dialect == ST_SQLITE
            ? "SELECT group_concat(format('\"%w\"\t\"%w\"\t%s', t.name, c.name, CASE WHEN c.dflt_value LIKE '%random%' "
              "OR c.dflt_value LIKE '%julianday%' THEN '?' ELSE '' END), char(30)) FROM sqlite_schema t, "
              "pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'strata\\_%' ESCAPE '\\' AND "
              "t.name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' AND t.sql NOT LIKE '%VIRTUAL%'"
            : "SELECT string_agg(format(E'%s\\t%I\\t%s', attrelid::regclass, attname, CASE WHEN pg_get_expr(adbin, "
              "adrelid) "
              "~ 'uuid|now|random|clock' THEN '?' ELSE '' END), chr(30)) FROM pg_class t JOIN pg_attribute ON attrelid "
              "= t.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = t.oid AND adnum = attnum "
              "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT LIKE "
              "'strata\\_%'");
}

/* Ids that were drawn and the time of the run are others in each run: one looks like the other. */
static char *without_chance(char *text)
{
    for (char *p = text; *p;) {
        size_t len = strspn(p, "0123456789abcdefABCDEF-");
        size_t time = strspn(p, "0123456789-:. +");
        bool microseconds = time == 16 && len == time;
        if (time > len || microseconds) {
            if (time > 20 || microseconds) { /* however many digits the second's fraction has */
                *p = 'T';
                memmove(p + 1, p + time, strlen(p + time) + 1);
                time = 1;
            }
            len = time;
        } else if (len == 32 || len == 36) {
            memset(p, 'U', len);
        }
        p += len + (p[len] != '\0');
    }
    return text;
}

static void same_values(const char *what, const char *online, const char *offline, const char *script, arena *a)
{
    if (strcmp(online, offline) != 0) {
        same(what, without_chance(arena_strdup(a, online)), without_chance(arena_strdup(a, offline)), script);
    }
}

static const char *values_of(struct world *w, const char *table, const char *column, bool random)
{
    if (random) {
        return text_of(w, server_printf("SELECT count(%s) || ' of ' || count(*) FROM %s", column, table));
    }
    return text_of(
        w, server_printf(w->dialect == ST_SQLITE
                             ? "SELECT coalesce(group_concat(v), '') FROM (SELECT quote(%s) AS v FROM %s ORDER "
                               "BY 1)"
                             : "SELECT coalesce(string_agg(v, ',' ORDER BY v COLLATE \"C\"), '') FROM (SELECT %s::text "
                               "AS v FROM %s) AS x",
                         column, table));
}

static void same_rows(struct world *online, struct world *offline, const char *script)
{
    char *columns = arena_strdup(online->a, columns_of(online)), *rest = columns;
    for (char *line = strtok_r(rest, "\x1e", &rest); line; line = strtok_r(NULL, "\x1e", &rest)) {
        char *column = strchr(line, '\t'), *mark = strrchr(line, '\t');
        *column++ = '\0';
        *mark = '\0';
        bool random = mark[1] == '?';
        const char *what = server_printf("content of %s.%s", line, column);
        same_values(what, values_of(online, line, column, random), values_of(offline, line, column, random), script,
                    online->a);
    }
}

static void open_world(struct world *w, const char *url, enum st_dialect d)
{
    *w = (struct world){.dialect = d, .a = arena_new(NULL, 0), .url = url};
    OK(st_engine_open(d == ST_SQLITE ? url : pg_test_url_as(url, PG_ADMIN), NULL, &w->e));
}

static void close_world(struct world *w)
{
    st_engine_close(w->e);
    arena_free(w->a);
}

static void compare(const char *online_url, const char *copy_url, enum st_dialect d, const char *script)
{
    struct world online, offline;
    open_world(&online, online_url, d);
    open_world(&offline, copy_url, d);
    same("catalog", catalog(&online), catalog(&offline), script);
    same("hash", hash_of(&online), hash_of(&offline), script);
    same("table strata_revisions", revisions_of(&online), revisions_of(&offline), script);
    same("journal", journal_of(&online), journal_of(&offline), script);
    same_rows(&online, &offline, script);
    close_world(&online);
    close_world(&offline);
}

/* ---- a run ---- */

struct run {
    st_engine *e;
    const struct st_migrations *m;
    const char *target;
    bool up;
    struct world w; /* a second engine on the database */
    char *script;
    const char *copy;
};

/* Where the database is, as the first half of a range; NULL: that cannot be said in one, or it is not to be known. */
static const char *place_of(struct run *r, struct migrate_graph *g)
{
    struct migrate_state s;
    struct migrate_journal j;
    const char *const *heads;
    size_t n;
    st_conn *c;
    bool *applied;
    if (migrate_graph_of(r->w.a, r->m->revisions, g) || st_conn_acquire(r->w.e, false, FIBER_FOREVER, &c)) {
        return NULL;
    }
    st_err rc = migrate_state_read(c, r->w.a, FIBER_FOREVER, &s);
    rc = rc ? rc : migrate_journal_read(c, r->w.a, FIBER_FOREVER, &j);
    st_conn_release(c);
    applied = ARENA_ARRAY(r->w.a, bool, g->n);
    rc = rc ? rc : migrate_state_flags(g, &s, applied);
    rc = rc ? rc : migrate_state_heads(r->w.a, &s, &heads, &n);
    if (rc || n > 1 || (r->w.dialect == ST_SQLITE && migrate_journal_under_way(&j))) {
        return NULL;
    }
    return n ? heads[0] : "base";
}

/* Without a database: all that it is told is the range. */
static char *script_of(struct run *r, const struct migrate_graph *g, const char *range, bool unsafe)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    struct migrate_offline o = {
        .m = r->m, .g = g, .range = range, .up = r->up, .unsafe = unsafe, .d = r->w.dialect, .out = out};
    st_err rc = migrate_offline(&o);
    (void)fclose(out);
    if (!rc) {
        return text;
    }
    ck_assert_msg(*text == '\0', "%s, and printed %s", diag_last()->message, text);
    free(text);
    const char *why = diag_last()->message;
    if (strstr(why, "which is C")) {
        (void)printf("# not as a script: %s\n", why);
        ck_assert_ptr_nonnull(strstr(diag_last()->hint, "--skip-steps"));
    }
    return NULL;
}

static bool is_new(const char *script)
{
    uint64_t h = id_of(str_of(script));
    for (size_t i = 0; i < state.n; i++) {
        if (state.proven[i] == h) {
            return false;
        }
    }
    if (state.n < PROVEN_MAX) {
        state.proven[state.n++] = h;
    }
    return true;
}

static bool wanted(void)
{
    const char *env = getenv("STRATA_OFFLINE");
    if (state.off || state.busy || (env && strcmp(env, "0") == 0)) {
        return false;
    }
    return (env && strcmp(env, "1") == 0) || state.calls++ % state.every == 0;
}

static void prepare(struct run *r, bool unsafe)
{
    struct migrate_graph g;
    const char *place;
    if (!is_reached(r->e) || !wanted()) {
        return;
    }
    state.busy = true;
    r->w = (struct world){.dialect = st_engine_dialect(r->e), .a = arena_new(NULL, 0)};
    struct diag kept = *diag_last();
    if (st_engine_open(r->e->given, NULL, &r->w.e) == 0) {
        place = place_of(r, &g);
        r->script = place ? script_of(r, &g, server_printf("%s:%s", place, r->target), unsafe) : NULL;
        if (r->script && is_new(r->script)) {
            r->copy = copy_of(&r->w);
        }
    }
    *diag_last() = kept;
    state.busy = false;
}

static st_err finish(struct run *r, st_err rc)
{
    struct diag kept = *diag_last();
    st_engine_close(r->w.e);
    if (!rc && r->copy) {
        const char *said;
        state.busy = true;
        int code = feed(r->copy, r->script, &said);
        if (code) {
            (void)fprintf(stderr, "%s\n", r->script);
            ck_abort_msg("the script ended with %d: %.2000s", code, said);
        }
        compare(r->e->given, r->copy, r->w.dialect, r->script);
        state.busy = false;
    }
    arena_free(r->w.a);
    free(r->script);
    *diag_last() = kept;
    return rc;
}

st_err __real_migrate_run(st_engine *e, const struct st_migrations *m, const char *target, bool up,
                          const struct st_migrate_options *o, int64_t deadline);
st_err __wrap_migrate_run(st_engine *e, const struct st_migrations *m, const char *target, bool up,
                          const struct st_migrate_options *o, int64_t deadline);

st_err __wrap_migrate_run(st_engine *e, const struct st_migrations *m, const char *target, bool up,
                          const struct st_migrate_options *o, int64_t deadline)
{
    struct run r = {.e = e, .m = m, .target = target, .up = up};
    prepare(&r, o && o->unsafe);
    return finish(&r, __real_migrate_run(e, m, target, up, o, deadline));
}

/* These call migrate_run inside of their own file, where nothing can come between. */
st_err __wrap_st_upgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                              const struct st_migrate_options *o, int64_t deadline);
st_err __wrap_st_downgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                                const struct st_migrate_options *o, int64_t deadline);
st_err __wrap_st_upgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline);
st_err __wrap_st_downgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline);

st_err __wrap_st_upgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                              const struct st_migrate_options *o, int64_t deadline)
{
    return __wrap_migrate_run(e, m, target, true, o, deadline);
}

st_err __wrap_st_downgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                                const struct st_migrate_options *o, int64_t deadline)
{
    return __wrap_migrate_run(e, m, target, false, o, deadline);
}

st_err __wrap_st_upgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline)
{
    return __wrap_migrate_run(e, m, target, true, NULL, deadline);
}

st_err __wrap_st_downgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline)
{
    return __wrap_migrate_run(e, m, target, false, NULL, deadline);
}
