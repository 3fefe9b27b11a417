/* Ten million rows streamed, beside the same by hand: how fast, and how much memory the client takes.
 *
 * Each side runs in a process of its own (this program again, --child), whose peak is then its own. The rows are those
 * of a table of 200,000, each 50 times. */
#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"
#include "pg.h"
#include "strata/define.h"
#include "strata/strata.h"

enum { ITEMS = 200000, TIMES = 50, ROWS = ITEMS * TIMES };

typedef struct Streamed {
    st_uuid id;
    const char *name, *url;
    int64_t size;
    st_opt_double score;
    st_time seen;
} Streamed;

#define T Streamed
ST_RESULT(Streamed, COL(id), COL(name), COL(url), COL(size), COL(score), COL(seen));
#undef T

static const char create_pg[] =
    "CREATE TABLE streamed AS SELECT gen_random_uuid() AS id, 'item number ' || i || ' of the catalogue' AS name, "
    "'https://www.example.com/catalogue/section-' || i % 97 || '/item-' || i || '.html' AS url, i::bigint AS size, "
    "CASE WHEN i % 3 <> 0 THEN i / 7.0::float8 END AS score, now() AS seen FROM generate_series(1, 200000) AS i; "
    "ANALYZE streamed";
static const char create_sqlite[] =
    "CREATE TABLE streamed (id BLOB, name TEXT, url TEXT, size INTEGER, score REAL, seen INTEGER); "
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO streamed SELECT "
    "randomblob(16), 'item number ' || i || ' of the catalogue', 'https://www.example.com/catalogue/section-' || "
    "(i % 97) || '/item-' || i || '.html', i, CASE WHEN i % 3 <> 0 THEN i / 7.0 END, i FROM n";
#define FIELDS "SELECT s.id, s.name, s.url, s.size, s.score, s.seen FROM streamed AS s "
static const char query_pg[] = FIELDS "CROSS JOIN generate_series(1, 50) AS t";
static const char query_sqlite[] =
    "WITH RECURSIVE t (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 50) " FIELDS "CROSS JOIN t";

/* ---- the sides, each in its process ---- */

static uint64_t look_at(const Streamed *x) /* as work would */
{
    bench_use(x);
    return (uint64_t)x->size + x->id.b[0] + (unsigned char)x->name[0] + (unsigned char)x->url[0] + x->score.set;
}

static int64_t ours(const char *url, const char *query)
{
    int64_t n = 0;
    st_engine *e;
    if (st_engine_open(url, NULL, &e) != 0) {
        return -1;
    }
    {
        ST_SESSION(s, e, .system = "measuring", .read_only = true);
        uint64_t sum = 0;
        st_each_stream (Streamed, x, st_stream_raw(s, Streamed, query)) {
            sum += look_at(x);
            n++;
        }
        bench_use(&sum);
        n = st_session_error(s) ? -1 : n;
    }
    st_engine_close(e);
    return n;
}

static int64_t ours_pg(const char *url)
{
    return ours(url, query_pg);
}
static int64_t ours_sqlite(const char *url)
{
    return ours(url, query_sqlite);
}

static uint64_t get64(const PGresult *res, int row, int column)
{
    uint64_t v;
    memcpy(&v, PQgetvalue(res, row, column), sizeof v);
    return be64toh(v);
}

/* Values are used where they lie. */
static uint64_t look_at_rows(const PGresult *res)
{
    uint64_t sum = 0;
    for (int i = 0; i < PQntuples(res); i++) {
        Streamed x = {.name = PQgetvalue(res, i, 1), .url = PQgetvalue(res, i, 2), .size = (int64_t)get64(res, i, 3)};
        memcpy(x.id.b, PQgetvalue(res, i, 0), 16);
        if (!PQgetisnull(res, i, 4)) {
            uint64_t bits = get64(res, i, 4);
            memcpy(&x.score.v, &bits, sizeof bits);
            x.score.set = true;
        }
        x.seen.us = (int64_t)get64(res, i, 5);
        sum += look_at(&x);
    }
    return sum;
}

/* One query to its end: nothing else can be asked meanwhile. */
static int64_t hand_single(const char *url)
{
    int64_t n = 0;
    uint64_t sum = 0;
    PGconn *c = PQconnectdb(url);
    if (!PQsendQueryParams(c, query_pg, 0, NULL, NULL, NULL, NULL, 1) || !PQsetSingleRowMode(c)) {
        n = -1;
    }
    for (PGresult *res; n >= 0 && (res = PQgetResult(c)) != NULL; PQclear(res)) {
        sum += look_at_rows(res);
        n += PQntuples(res);
    }
    bench_use(&sum);
    PQfinish(c);
    return n;
}

static int64_t hand_cursor(const char *url)
{
    enum { BATCH = 2000 };
    char declare[sizeof query_pg + 64];
    int64_t n = 0;
    uint64_t sum = 0;
    PGconn *c = PQconnectdb(url);
    (void)snprintf(declare, sizeof declare, "BEGIN; DECLARE c NO SCROLL CURSOR FOR %s", query_pg);
    PQclear(PQexec(c, declare));
    for (int got = BATCH; got == BATCH;) {
        PGresult *res = PQexecParams(c, "FETCH FORWARD 2000 FROM c", 0, NULL, NULL, NULL, NULL, 1);
        got = PQntuples(res);
        sum += look_at_rows(res);
        n += got;
        PQclear(res);
    }
    bench_use(&sum);
    PQfinish(c);
    return n;
}

static int64_t hand_sqlite(const char *url)
{
    int64_t n = 0;
    uint64_t sum = 0;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_open_v2(url + strlen("sqlite:///"), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(db, query_sqlite, -1, &stmt, NULL) != SQLITE_OK) {
        n = -1;
    }
    while (n >= 0 && sqlite3_step(stmt) == SQLITE_ROW) {
        Streamed x = {.name = (const char *)sqlite3_column_text(stmt, 1),
                      .url = (const char *)sqlite3_column_text(stmt, 2),
                      .size = sqlite3_column_int64(stmt, 3),
                      .seen = {sqlite3_column_int64(stmt, 5)}};
        memcpy(x.id.b, sqlite3_column_blob(stmt, 0), 16);
        x.score.set = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
        x.score.v = sqlite3_column_double(stmt, 4);
        sum += look_at(&x);
        n++;
    }
    bench_use(&sum);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return n;
}

static const struct side {
    const char *name;
    int64_t (*run)(const char *url);
} sides[] = {{"ours-pg", ours_pg},
             {"cursor-pg", hand_cursor},
             {"single-pg", hand_single},
             {"ours-sqlite", ours_sqlite},
             {"hand-sqlite", hand_sqlite}};
enum { OURS_PG, CURSOR_PG, SINGLE_PG, OURS_SQLITE, HAND_SQLITE };

static double own_peak_mib(void)
{
    char line[256];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtod(line + 6, NULL);
        }
    }
    if (f) {
        (void)fclose(f);
    }
    return kib / 1024;
}

int strata_stream_child(int argc, char **argv);
int strata_stream_child(int argc, char **argv)
{
    for (size_t i = 0; argc == 4 && i < sizeof sides / sizeof *sides; i++) {
        if (strcmp(argv[2], sides[i].name) == 0) {
            int64_t start = clock_mono_ns();
            if (sides[i].run(argv[3]) != ROWS) {
                bench_say("%s: %s", argv[2], diag_last()->message);
                return 1;
            }
            double seconds = (double)(clock_mono_ns() - start) / 1e9;
            return printf("%.9g %.9g\n", ROWS / seconds, own_peak_mib()) > 0 ? 0 : 1;
        }
    }
    return 2;
}

/* ---- both, from outside ---- */

struct figures {
    double rate, peak; /* 0: not measured yet */
};

static bool run_child(const char *side, const char *url, struct figures *ret)
{
    int fds[2], status = 0;
    if (pipe(fds) != 0) {
        bench_say("pipe: %s", strerror(errno));
        return false;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], 1);
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)execl("/proc/self/exe", "bench", "--child", side, url, (char *)NULL);
        _exit(127);
    }
    (void)close(fds[1]);
    FILE *f = fdopen(fds[0], "r");
    char line[128] = "", *rest = line;
    bool ok = f && fgets(line, sizeof line, f);
    ret->rate = strtod(line, &rest);
    ret->peak = strtod(rest, NULL);
    ok = ok && ret->rate > 0 && ret->peak > 0;
    if (f) {
        (void)fclose(f);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ok || status != 0) {
        bench_say("%s could not be measured", side);
        return false;
    }
    return true;
}

static struct {
    struct pg_server server;
    bool started;
} pg;

static void stop_pg(void)
{
    pg_server_stop(&pg.server);
}

static const char *pg_url(void)
{
    static char url[256];
    if (!pg.started) {
        pg.started = true;
        pg_server_start(&pg.server, false, "shared_buffers = 256MB");
        (void)atexit(stop_pg);
        (void)snprintf(url, sizeof url, "%s", pg_server_database(&pg.server));
        pg_test_exec(url, create_pg);
    }
    return url;
}

static const char *sqlite_url(void)
{
    static char url[600];
    if (!*url) {
        sqlite3 *db = NULL;
        (void)snprintf(url, sizeof url, "sqlite:///%s", bench_temp("stream.db"));
        if (sqlite3_open(bench_temp("stream.db"), &db) != SQLITE_OK ||
            sqlite3_exec(db, create_sqlite, NULL, NULL, NULL) != SQLITE_OK) {
            bench_say("sqlite3: %s", sqlite3_errmsg(db));
        }
        (void)sqlite3_close(db);
    }
    return url;
}

/* Ten million rows are not read twice to be looked at twice. */
static const struct figures *figures_of(size_t side, bool again)
{
    static struct figures kept[sizeof sides / sizeof *sides];
    struct figures *f = &kept[side];
    if ((again || f->rate <= 0) && !run_child(sides[side].name, side < OURS_SQLITE ? pg_url() : sqlite_url(), f)) {
        return NULL;
    }
    return f;
}

#define FIGURE(name, side, again, member)                      \
    static double name(void)                                   \
    {                                                          \
        const struct figures *f = figures_of((side), (again)); \
        return f ? f->member : BENCH_FAILED;                   \
    }
FIGURE(pg_rate, OURS_PG, true, rate)
FIGURE(pg_cursor_rate, CURSOR_PG, true, rate)
FIGURE(pg_peak, OURS_PG, false, peak)
FIGURE(pg_cursor_peak, CURSOR_PG, false, peak)
FIGURE(pg_rate_kept, OURS_PG, false, rate)
FIGURE(pg_single_rate, SINGLE_PG, true, rate)
FIGURE(sqlite_rate, OURS_SQLITE, true, rate)
FIGURE(sqlite_hand_rate, HAND_SQLITE, true, rate)
FIGURE(sqlite_peak, OURS_SQLITE, false, peak)
FIGURE(sqlite_hand_peak, HAND_SQLITE, false, peak)

const struct bench_case strata_stream_cases[] = {
    {"pg-stream", "rows/s", "10M rows of 6 columns streamed; theirs: a cursor by hand, binary, nothing copied", pg_rate,
     pg_cursor_rate, .rounds = 1, .sqlalchemy = "pg-stream"},
    {"pg-stream-peak", "MiB", "resident memory of the client at most; to stay under 32 MiB", pg_peak, pg_cursor_peak,
     .rounds = 1},
    {"pg-stream-single-row", "rows/s", "the same; theirs: libpq's single-row mode, which blocks the connection",
     pg_rate_kept, pg_single_rate, .rounds = 1},
    {"sqlite-stream", "rows/s", "10M rows of 6 columns streamed; theirs: sqlite3_step, nothing copied", sqlite_rate,
     sqlite_hand_rate, .rounds = 1, .sqlalchemy = "sqlite-stream"},
    {"sqlite-stream-peak", "MiB", "resident memory of the program at most; to stay under 32 MiB", sqlite_peak,
     sqlite_hand_peak, .rounds = 1},
    {NULL},
};
