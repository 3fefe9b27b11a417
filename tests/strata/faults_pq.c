/* The calls of libpq 15 that may fail. Where memory runs out, the message is the one libpq has for that place; a lost
 * connection is a socket shut down, so that all which follows is libpq's own doing. */
#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults.h"
#include "pg.h"
#include "server.h"

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

enum { GONE_MAX = 256 };

static _Atomic int64_t owed;
static const char *message; /* what PQerrorMessage is to say */
static int gone[GONE_MAX];  /* server processes whose connection was closed */
static size_t n_gone;

int64_t fault_pq_owed(void)
{
    return atomic_load(&owed);
}

/* Does the call fail without having been made? A lost connection is for the real one to find out. */
static bool due(PGconn *pq, const char *call, const char *says)
{
    message = NULL;
    if (!fault_due(call, FAULT_PQ)) {
        return false;
    }
    if (fault_kind() == FAULT_LOST) {
        (void)shutdown(PQsocket(pq), SHUT_RDWR);
        return false;
    }
    message = says;
    return true;
}

static const char no_memory[] = "out of memory\n", no_input[] = "cannot allocate memory for input buffer\n",
                  no_output[] = "cannot allocate memory for output buffer\n";

/* ---- connecting ---- */

WRAP(PQconninfoOption *, PQconninfoParse, const char *url, char **err)
{
    if (fault_due("PQconninfoParse", 1 << FAULT_NOMEM)) {
        *err = NULL;
        return NULL;
    }
    return __real_PQconninfoParse(url, err);
}

WRAP(PQconninfoOption *, PQconndefaults, void)
{
    return fault_due("PQconndefaults", 1 << FAULT_NOMEM) ? NULL : __real_PQconndefaults();
}

WRAP(PGconn *, PQconnectStartParams, const char *const *keywords, const char *const *values, int expand)
{
    static const char *const host[] = {"host", NULL}, *const nowhere[] = {"/nonexistent", NULL};
    if (!fault_due("PQconnectStartParams", FAULT_PQ)) {
        PGconn *pq = __real_PQconnectStartParams(keywords, values, expand);
        owed += pq != NULL;
        return pq;
    }
    if (fault_kind() == FAULT_NOMEM) {
        return NULL;
    }
    owed++;
    return __real_PQconnectStartParams(host, nowhere, 0); /* CONNECTION_BAD, and why */
}

WRAP(PostgresPollingStatusType, PQconnectPoll, PGconn *pq)
{
    return due(pq, "PQconnectPoll", no_memory) ? PGRES_POLLING_FAILED : __real_PQconnectPoll(pq);
}

WRAP(void, PQfinish, PGconn *pq)
{
    if (pq) {
        owed--;
        int pid = PQbackendPID(pq);
        if (pid && n_gone < GONE_MAX) {
            gone[n_gone++] = pid;
        }
    }
    __real_PQfinish(pq);
}

/* ---- sending ---- */

#define SEND(name, failure, says, call, ...)            \
    WRAP(int, name, __VA_ARGS__)                        \
    {                                                   \
        return due(pq, #name, says) ? (failure) : call; \
    }
SEND(PQsetnonblocking, -1, no_output, __real_PQsetnonblocking(pq, on), PGconn *pq, int on)
SEND(PQenterPipelineMode, 0, no_memory, __real_PQenterPipelineMode(pq), PGconn *pq)
SEND(PQexitPipelineMode, 0, no_memory, __real_PQexitPipelineMode(pq), PGconn *pq)
SEND(PQpipelineSync, 0, no_memory, __real_PQpipelineSync(pq), PGconn *pq)
SEND(PQsendQuery, 0, no_output, __real_PQsendQuery(pq, sql), PGconn *pq, const char *sql)
SEND(PQsendPrepare, 0, no_output, __real_PQsendPrepare(pq, name, sql, n, types), PGconn *pq, const char *name,
     const char *sql, int n, const Oid *types)
SEND(PQsendQueryParams, 0, no_output,
     __real_PQsendQueryParams(pq, sql, n, types, values, lengths, formats, result_format), PGconn *pq, const char *sql,
     int n, const Oid *types, const char *const *values, const int *lengths, const int *formats, int result_format)
SEND(PQsendQueryPrepared, 0, no_output,
     __real_PQsendQueryPrepared(pq, name, n, values, lengths, formats, result_format), PGconn *pq, const char *name,
     int n, const char *const *values, const int *lengths, const int *formats, int result_format)
SEND(PQflush, -1, no_input, __real_PQflush(pq), PGconn *pq)
SEND(PQputCopyData, -1, no_output, __real_PQputCopyData(pq, p, len), PGconn *pq, const char *p, int len)
SEND(PQputCopyEnd, -1, no_output, __real_PQputCopyEnd(pq, why), PGconn *pq, const char *why)

/* ---- receiving ---- */

SEND(PQconsumeInput, 0, no_input, __real_PQconsumeInput(pq), PGconn *pq)
SEND(PQgetCopyData, -2, no_memory, __real_PQgetCopyData(pq, p, async), PGconn *pq, char **p, int async)

WRAP(int, PQsetSingleRowMode, PGconn *pq)
{
    return fault_due("PQsetSingleRowMode", 1 << FAULT_NOMEM) ? 0 : __real_PQsetSingleRowMode(pq);
}

WRAP(PGresult *, PQgetResult, PGconn *pq)
{
    message = NULL;
    if (fault_due("PQgetResult", 1 << FAULT_LOST)) {
        (void)shutdown(PQsocket(pq), SHUT_RDWR);
    }
    PGresult *res = __real_PQgetResult(pq);
    if (!res) {
        return NULL;
    }
    owed++;
    if (PQresultStatus(res) != PGRES_PIPELINE_SYNC &&
        fault_due("PQgetResult", 1 << FAULT_NOMEM | 1 << FAULT_NO_RESULT)) {
        PQclear(res); /* which counts */
        if (fault_kind() == FAULT_NO_RESULT) {
            return NULL;
        }
        owed++;
        message = "out of memory for query result\n";
        return PQmakeEmptyPGresult(pq, PGRES_FATAL_ERROR);
    }
    return res;
}

WRAP(void, PQclear, PGresult *res)
{
    owed -= res != NULL;
    __real_PQclear(res);
}

WRAP(char *, PQerrorMessage, const PGconn *pq)
{
    static char said[64];
    if (message) {
        (void)snprintf(said, sizeof said, "%s", message);
        return said;
    }
    return __real_PQerrorMessage(pq);
}

/* ---- cancelling ---- */

WRAP(PGcancel *, PQgetCancel, PGconn *pq)
{
    PGcancel *c = fault_due("PQgetCancel", 1 << FAULT_NOMEM) ? NULL : __real_PQgetCancel(pq);
    owed += c != NULL;
    return c;
}

WRAP(void, PQfreeCancel, PGcancel *c)
{
    owed -= c != NULL;
    __real_PQfreeCancel(c);
}

WRAP(int, PQcancel, PGcancel *c, char *why, int room)
{
    if (fault_due("PQcancel", FAULT_PQ)) {
        (void)snprintf(why, (size_t)room, "PQcancel() -- connect() failed: connection refused");
        return 0;
    }
    return __real_PQcancel(c, why, room);
}

/* ---- the server ---- */

static PGresult *ask(PGconn *pq, const char *sql)
{
    PGresult *res = PQexec(pq, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK) {
        server_fail("%s: %s", sql, __real_PQerrorMessage(pq));
    }
    return res;
}

static PGconn *control(const char *admin_url)
{
    static PGconn *pq; /* until the process ends */
    pq = pq ? pq : PQconnectdb(admin_url);
    return pq;
}

void fault_control(const char *admin_url, const char *script)
{
    __real_PQclear(ask(control(admin_url), script));
}

static bool still_there(PGconn *pq)
{
    char list[GONE_MAX * 12 + 1] = "0", sql[GONE_MAX * 12 + 400];
    for (size_t i = 0, len = 1; i < n_gone; i++) {
        len += (size_t)snprintf(list + len, sizeof list - len, ",%d", gone[i]);
    }
    (void)snprintf(sql, sizeof sql,
                   "SELECT 1 FROM pg_stat_activity WHERE pid IN (%s) OR (datname = current_database() AND "
                   "backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()) LIMIT 1",
                   list);
    PGresult *res = ask(pq, sql);
    bool there = PQntuples(res) > 0;
    __real_PQclear(res);
    return there;
}

void fault_settle(const char *admin_url)
{
    for (int i = 0; still_there(control(admin_url)); i++) {
        if (i > 10000) {
            server_fail("a connection was closed, but the server still works for it");
        }
        (void)usleep(500);
    }
    n_gone = 0;
}
