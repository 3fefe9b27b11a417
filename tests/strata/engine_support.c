#include "engine_support.h"

#include <ftw.h>
#include <unistd.h>

bool world_wanted(enum st_dialect d)
{
    const char *only = getenv("WAYMARK_TEST_WORLD");
    return !only || (d == ST_SQLITE) == (strcmp(only, "sqlite") == 0);
}

void world_open(struct world *w, enum st_dialect dialect, const struct st_engine_options *options)
{
    *w = (struct world){.dialect = dialect, .kind = dialect == ST_SQLITE ? WORLD_SQLITE : WORLD_PG};
    OK(fiber_loop_open(NULL, &w->loop));
    w->a = arena_new(NULL, 0);
    if (dialect == ST_SQLITE) {
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(w->dir, sizeof w->dir, "%.30s/strata-XXXXXX", tmp ? tmp : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(w->dir));
        w->url = arena_printf(w->a, "sqlite:///%s/t.db", w->dir);
    } else {
        w->url = pg_test_url();
    }
    OK(st_engine_open(w->url, options, &w->e));
    ck_assert_int_eq(st_engine_dialect(w->e), dialect);
}

void world_reopen(struct world *w, const char *url, const struct st_engine_options *options)
{
    st_engine_close(w->e);
    w->url = url;
    OK(st_engine_open(url, options, &w->e));
}

static const char *running;

static void tell_running(void)
{
    if (running) {
        (void)fprintf(stderr, "# it failed on %s\n", running);
    }
}

void world_running(const char *name)
{
    static bool asked;
    running = name;
    if (!asked) {
        asked = true;
        ck_assert_int_eq(atexit(tell_running), 0);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void world_close(struct world *w)
{
    struct st_pool_stats s;
    st_engine_stats(w->e, &s);
    ck_assert_uint_eq(s.in_use, 0);
    ck_assert_uint_eq(s.waiting, 0);
    st_engine_close(w->e);
    arena_free(w->a);
    fiber_loop_close(w->loop);
    if (*w->dir) {
        (void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
}

static const char *const types[][2] = {
    {"boolean", "integer"}, {"timestamptz", "integer"},   {"bytea", "blob"}, {"jsonb", "text"}, {"uuid[]", "text"},
    {"text[]", "text"},     {"double precision", "real"}, {"uuid", "blob"},
};

str sql_for(struct world *w, const char *sql)
{
    char *s = arena_strdup(w->a, sql);
    if (w->dialect == ST_SQLITE) {
        for (char *p = strchr(s, '$'); p; p = strchr(p, '$')) {
            *p = '?';
        }
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            size_t from = strlen(types[i][0]), to = strlen(types[i][1]); /* never longer */
            for (char *p = strstr(s, types[i][0]); p; p = strstr(p + 1, types[i][0])) {
                if (p == s || (p[-1] != '_' && p[-1] != '.')) { /* not the end of a column's name */
                    memcpy(p, types[i][1], to);
                    memset(p + to, ' ', from - to);
                }
            }
        }
    }
    return str_of(s);
}

uint64_t id_of(str sql)
{
    uint64_t h = 1;
    for (size_t i = 0; i < sql.len; i++) {
        h = h * 1099511628211U + (unsigned char)sql.p[i];
    }
    return h;
}

st_err run_one(struct world *w, const char *sql, const st_value *values, size_t n, int64_t *ret_affected)
{
    st_conn *c;
    OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
    struct st_stmt s = {.sql = sql_for(w, sql), .params = values, .n_params = n};
    st_err rc = st_conn_run(c, &s, 1, FIBER_FOREVER, NULL);
    if (ret_affected) {
        *ret_affected = s.affected;
    }
    st_conn_release(c);
    return rc;
}

void must(struct world *w, const char *sql)
{
    OK(st_engine_execute(w->e, sql_for(w, sql).p, FIBER_FOREVER));
}

struct count {
    int64_t n;
};
static const struct st_field count_fields[] = {{.type = ST_INT64, .offset = 0}};
static const struct st_shape count_shape = {.fields = count_fields, .n = 1, .size = sizeof(struct count)};

static int take_count(void *arg, void *obj)
{
    *(int64_t *)arg = ((struct count *)obj)->n;
    return 0;
}

int64_t number_on(struct world *w, st_conn *c, const char *sql)
{
    int64_t n = INT64_MIN;
    arena *own = arena_new(NULL, 0); /* other fibers may use w->a while a thread fills this one */
    struct st_stmt s = {.sql = sql_for(w, sql), .shape = &count_shape, .arena = own, .row = take_count, .arg = &n};
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    ck_assert_int_ge(s.affected, 1);
    arena_free(own);
    return n;
}

int64_t number(struct world *w, const char *sql)
{
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    int64_t n = number_on(w, c, sql);
    st_conn_release(c);
    return n;
}
