#include "legacy_writers.h"

#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

enum outcome legacy_broken(struct program *p, const char *sql, const char *why)
{
    (void)snprintf(p->stats->error, sizeof p->stats->error, "%.110s: %.140s", sql, why);
    return BROKEN;
}

/* No such column; values and comparisons of another type. */
static bool is_refusal(const char *state)
{
    static const char *const refusals[] = {"42703", "42804", "42883", "22P02"};
    for (size_t i = 0; state && i < 4; i++) {
        if (strcmp(state, refusals[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum outcome run_pg(struct program *p, const char *sql, int64_t *ret_rows)
{
    PGresult *r = PQexec(p->pg, sql);
    ExecStatusType status = PQresultStatus(r);
    enum outcome o = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? DONE
                     : is_refusal(PQresultErrorField(r, PG_DIAG_SQLSTATE))
                         ? NO_COLUMN
                         : legacy_broken(p, sql, PQerrorMessage(p->pg));
    *ret_rows = o == DONE ? strtoll(PQcmdTuples(r), NULL, 10) : 0;
    PQclear(r);
    return o;
}

static int count_row(void *arg, int n, char **values, char **names)
{
    (void)n;
    (void)values;
    (void)names;
    ++*(int64_t *)arg;
    return 0;
}

static enum outcome run_lite(struct program *p, const char *sql, int64_t *ret_rows)
{
    char *why = NULL;
    *ret_rows = 0;
    int rc = sqlite3_exec(p->lite, sql, count_row, ret_rows, &why);
    bool no_column = why && (strstr(why, "no such column") || strstr(why, "has no column") ||
                             strstr(why, "cannot store") || strstr(why, "datatype mismatch") ||
                             strcmp(why, "NOT NULL constraint failed: jobs.id") == 0); /* it is no number any more */
    enum outcome o = rc == SQLITE_OK ? DONE : no_column ? NO_COLUMN : legacy_broken(p, sql, why ? why : "?");
    sqlite3_free(why);
    if (o == DONE && strncmp(sql, "SELECT", 6) != 0) {
        *ret_rows = sqlite3_changes64(p->lite);
    }
    return o;
}

static void note_time(struct program_stats *s, const char *sql, int64_t ns)
{
    struct looks seen = s->looks;
    bool too_long = ns > TOO_LONG_MS * INT64_C(1000000);
    s->too_long += too_long;
    s->too_long_locked += too_long && seen.lock;
    if (ns > s->longest_ns) {
        s->longest_ns = ns;
        s->longest_looks = seen;
        (void)snprintf(s->longest, sizeof s->longest, "%.120s", sql);
    }
}

enum outcome legacy_run(struct program *p, enum deed deed, const char *sql, int64_t *ret_rows)
{
    struct program_stats *s = p->stats;
    int64_t rows = 0, start = clock_mono_ns();
    s->looks = (struct looks){0};
    enum outcome o = p->pg ? run_pg(p, sql, &rows) : run_lite(p, sql, &rows);
    int64_t now = clock_mono_ns();
    note_time(s, sql, now - start);
    s->refused += o == NO_COLUMN;
    if (o == DONE) {
        s->gap_ns = p->last_ns && now - p->last_ns > s->gap_ns ? now - p->last_ns : s->gap_ns;
        p->last_ns = now;
        s->done[deed]++;
        __atomic_add_fetch(&s->statements, 1, __ATOMIC_RELEASE);
    }
    if (ret_rows) {
        *ret_rows = rows;
    }
    return o;
}

static bool connected(struct program *p, const char *url)
{
    if (strncmp(url, "postgresql:", 11) == 0) {
        p->pg = PQconnectdb(url);
        p->stats->backend = PQbackendPID(p->pg);
        PGresult *r = PQexec(p->pg, "SET application_name = 'legacy program'");
        bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
        return ok || legacy_broken(p, "connect", PQerrorMessage(p->pg)) == DONE;
    }
    bool ok =
        sqlite3_open_v2(url, &p->lite, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_exec(p->lite, "PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 600000; PRAGMA synchronous = NORMAL",
                     NULL, NULL, NULL) == SQLITE_OK;
    return ok || legacy_broken(p, "open", sqlite3_errmsg(p->lite)) == DONE;
}

static void live(struct program *p, const char *url)
{
    if (!connected(p, url)) {
        return;
    }
    enum outcome o = DONE;
    while (o == DONE && !__atomic_load_n(&p->stats->stop, __ATOMIC_ACQUIRE)) {
        o = legacy_round(p);
        (void)usleep(3000);
    }
    if (o == NO_COLUMN) {
        (void)snprintf(p->stats->error, sizeof p->stats->error, "a program of the old kind was refused");
    }
}

void crowd_open(struct crowd *c, const char *url)
{
    *c = (struct crowd){.url = url};
    c->stats = mmap(NULL, PROGRAMS_MAX * sizeof *c->stats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(c->stats, MAP_FAILED);
}

struct program_stats *crowd_start(struct crowd *c, enum program_kind kind)
{
    ck_assert_uint_lt(c->n, PROGRAMS_MAX);
    struct program p = {.kind = kind, .stats = &c->stats[c->n]};
    pid_t parent = getpid(), pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
        if (kind == WATCHES_LOCKS) {
            legacy_watch(c->stats, p.stats, c->url);
        } else {
            live(&p, c->url);
        }
        _exit(p.stats->error[0] ? 1 : 0); /* the connections end with the process */
    }
    c->pid[c->n++] = pid;
    return p.stats;
}

void crowd_await(const struct program_stats *s, int64_t statements)
{
    int64_t until = clock_mono_ns() + INT64_C(60000000000);
    while (__atomic_load_n(&s->statements, __ATOMIC_ACQUIRE) < statements && !s->error[0] && clock_mono_ns() < until) {
        (void)usleep(1000);
    }
    ck_assert_msg(!s->error[0], "%s", s->error);
    ck_assert_int_ge(s->statements, statements);
}

void crowd_stop(struct crowd *c)
{
    for (size_t i = 0; i < c->n; i++) {
        __atomic_store_n(&c->stats[i].stop, true, __ATOMIC_RELEASE);
    }
    for (size_t i = 0; i < c->n; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(c->pid[i], &status, 0), c->pid[i]);
        ck_assert_msg(status == 0, "program %zu ended with %d: %s", i, status, c->stats[i].error);
    }
    c->n = 0;
}
