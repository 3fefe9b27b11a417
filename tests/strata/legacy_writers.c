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
#include "base/uuid.h"
#include "test.h"

enum outcome { DONE, NO_COLUMN, BROKEN };

/* What a writing process knows. */
struct program {
    enum writer_kind kind;
    PGconn *pg;
    sqlite3 *lite;
    struct writer_stats *stats;
    int64_t n;
    bool moved; /* WRITES_MOVED: the keys have their final names */
};

static void spell_uuid(const struct program *p, uuid u, char out[static 48])
{
    if (p->pg) {
        out[0] = '\'';
        uuid_format(u, out + 1);
        memcpy(out + 37, "'", 2);
        return;
    }
    memcpy(out, "x'", 2);
    for (int i = 0; i < 16; i++) {
        (void)snprintf(out + 2 + 2 * i, 3, "%02x", (unsigned)u.b[i]);
    }
    memcpy(out + 34, "'", 2);
}

static enum outcome broken(struct program *p, const char *sql, const char *why)
{
    (void)snprintf(p->stats->error, sizeof p->stats->error, "%.100s: %.140s", sql, why);
    return BROKEN;
}

static enum outcome run_pg(struct program *p, const char *sql)
{
    PGresult *r = PQexec(p->pg, sql);
    ExecStatusType status = PQresultStatus(r);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    enum outcome o = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? DONE
                     : state && (strcmp(state, "42703") == 0 || strcmp(state, "42804") == 0 ||
                                 strcmp(state, "42883") == 0 || strcmp(state, "22P02") == 0)
                         ? NO_COLUMN
                         : broken(p, sql, PQerrorMessage(p->pg));
    PQclear(r);
    return o;
}

static enum outcome run_lite(struct program *p, const char *sql)
{
    char *why = NULL;
    int rc = sqlite3_exec(p->lite, sql, NULL, NULL, &why);
    bool no_column = why && (strstr(why, "no such column") || strstr(why, "has no column") ||
                             strstr(why, "cannot store") || strstr(why, "datatype mismatch"));
    enum outcome o = rc == SQLITE_OK ? DONE : no_column ? NO_COLUMN : broken(p, sql, why ? why : "?");
    sqlite3_free(why);
    return o;
}

static enum outcome run(struct program *p, const char *sql)
{
    int64_t start = clock_mono_ns();
    enum outcome o = p->pg ? run_pg(p, sql) : run_lite(p, sql);
    int64_t ns = clock_mono_ns() - start;
    p->stats->statements += o == DONE;
    p->stats->refused += o == NO_COLUMN;
    if (ns > p->stats->longest_ns) {
        p->stats->longest_ns = ns;
        (void)snprintf(p->stats->longest, sizeof p->stats->longest, "%.120s", sql);
    }
    return o;
}

/* A domain with a job, read and changed, by keys of text. */
static enum outcome old_round(struct program *p)
{
    char id[64], sql[512];
    if (p->n % 3) {
        uuid_format(uuid_v7(), id);
    } else {
        (void)snprintf(id, sizeof id, "old-%lld", (long long)p->n);
    }
    const char *tenant = p->n % 5 ? "00000000-0000-7000-8000-00000000000A" : "acme";
    (void)snprintf(sql, sizeof sql, "INSERT INTO domains (id, name, tenant_id) VALUES ('%s', 'old', '%s')", id, tenant);
    enum outcome o = run(p, sql);
    (void)snprintf(sql, sizeof sql, "INSERT INTO jobs (domain_id, tenant_id) VALUES ('%s', '%s')", id, tenant);
    o = o ? o : run(p, sql);
    (void)snprintf(sql, sizeof sql, "UPDATE domains SET tenant_id = '%s' WHERE id = '%s'",
                   p->n % 2 ? "00000000-0000-7000-8000-00000000000b" : "globex", id);
    o = o ? o : run(p, sql);
    (void)snprintf(sql, sizeof sql, "SELECT * FROM jobs WHERE domain_id = '%s'", id);
    return o ? o : run(p, sql);
}

/* The same by keys that are uuids. The job points at its domain by whichever column does so yet. */
static enum outcome new_round(struct program *p, bool moved)
{
    char id[48], job[48], text[40], sql[512];
    uuid u = uuid_v7();
    spell_uuid(p, u, id);
    spell_uuid(p, uuid_v7(), job);
    uuid_format(u, text);
    const char *key = moved ? "id" : "id_uuid", *tenant = moved ? "tenant_id" : "tenant_uuid";
    (void)snprintf(sql, sizeof sql, "INSERT INTO domains (%s, name, %s) VALUES (%s, 'new', %s)", key, tenant, id, id);
    enum outcome o = run(p, sql);
    const char *quote = moved ? "" : "'"; /* before the move jobs point at the text of the domain's key */
    (void)snprintf(sql, sizeof sql, "INSERT INTO jobs (%s, domain_id, %s) VALUES (%s, %s%s%s, %s)", key, tenant, job,
                   quote, moved ? id : text, quote, id);
    o = o ? o : run(p, sql);
    (void)snprintf(sql, sizeof sql, "UPDATE domains SET %s = %s WHERE %s = %s", tenant, job, key, id);
    o = o ? o : run(p, sql);
    (void)snprintf(sql, sizeof sql, "UPDATE jobs SET status = 'running' WHERE %s = %s", key, job);
    return o ? o : run(p, sql);
}

static enum outcome one_round(struct program *p)
{
    p->n++;
    if (p->kind == WRITES_OLD) {
        return old_round(p);
    }
    enum outcome o = new_round(p, p->moved);
    if (o == NO_COLUMN) {
        p->moved = p->kind == WRITES_MOVED && !p->moved;
        o = DONE;
    }
    return o;
}

/* Longest time that one transaction held a lock on one of the tables that readers or writers wait for. */
static void watch(struct program *p)
{
    struct held {
        char what[96];
        int64_t since, seen;
    } held[16] = {0};
    while (!p->stats->stop) {
        PGresult *r = PQexec(
            p->pg,
            "SELECT l.virtualtransaction || ' ' || l.mode || ' ' || c.relname FROM pg_locks l JOIN pg_class c ON "
            "c.oid = l.relation WHERE l.granted AND c.relname IN ('domains', 'jobs') AND l.mode IN "
            "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')");
        int64_t now = clock_mono_ns();
        for (int i = 0; i < PQntuples(r); i++) {
            struct held *h = held;
            while (h < held + 15 && h->seen && strcmp(h->what, PQgetvalue(r, i, 0)) != 0) {
                h++;
            }
            if (!h->seen || strcmp(h->what, PQgetvalue(r, i, 0)) != 0) {
                (void)snprintf(h->what, sizeof h->what, "%s", PQgetvalue(r, i, 0));
                h->since = now;
            }
            h->seen = now;
            if (now - h->since > p->stats->longest_ns) {
                p->stats->longest_ns = now - h->since;
                (void)snprintf(p->stats->longest, sizeof p->stats->longest, "%.90s", h->what);
            }
        }
        PQclear(r);
        for (size_t i = 0; i < 16; i++) { /* gone */
            if (held[i].seen && held[i].seen != now) {
                held[i] = (struct held){0};
            }
        }
        p->stats->statements++;
        (void)usleep(2000);
    }
}

static void live(struct program *p, const char *url)
{
    if (strncmp(url, "postgresql:", 11) == 0) {
        p->pg = PQconnectdb(url);
        if (PQstatus(p->pg) != CONNECTION_OK) {
            (void)broken(p, "connect", PQerrorMessage(p->pg));
            return;
        }
    } else if (sqlite3_open_v2(url, &p->lite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
               sqlite3_exec(p->lite,
                            "PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 60000; PRAGMA synchronous = NORMAL", NULL,
                            NULL, NULL) != SQLITE_OK) {
        (void)broken(p, "open", sqlite3_errmsg(p->lite));
        return;
    }
    if (p->kind == WATCHES_LOCKS) {
        watch(p);
        return;
    }
    while (!p->stats->stop && one_round(p) == DONE) {
        (void)usleep(3000);
    }
}

void writer_start(struct writer *w, enum writer_kind kind, const char *url)
{
    w->stats = mmap(NULL, sizeof *w->stats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(w->stats, MAP_FAILED);
    pid_t parent = getpid();
    w->pid = fork();
    ck_assert_int_ge(w->pid, 0);
    if (w->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct program p = {.kind = kind, .stats = w->stats};
        if (getppid() == parent) {
            live(&p, url);
        }
        _exit(p.stats->error[0] ? 1 : 0); /* the connections end with the process */
    }
}

static void wait_for(const struct writer_stats *s, bool success)
{
    int64_t until = clock_mono_ns() + INT64_C(30000000000);
    while (!s->statements && (success || !s->refused) && !s->error[0] && clock_mono_ns() < until) {
        (void)usleep(1000);
    }
}

void writer_tried(struct writer *w)
{
    wait_for(w->stats, false);
}

void writer_wrote(struct writer *w)
{
    wait_for(w->stats, true);
}

void writer_stop(struct writer *w)
{
    int status = 0;
    __atomic_store_n(&w->stats->stop, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(waitpid(w->pid, &status, 0), w->pid);
    ck_assert_msg(status == 0, "a writer ended with %d: %s", status, w->stats->error);
}
