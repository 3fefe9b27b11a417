#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "strata/engine/pg.h"

/* By SQLSTATE, or by its class of two letters where the rest is "***" (PostgreSQL 15, appendix A). */
static const struct {
    const char state[6];
    st_err err;
} codes[] = {
    {"23505", ST_E_UNIQUE},      {"23P01", ST_E_UNIQUE}, /* exclusion */
    {"23503", ST_E_FOREIGN_KEY}, {"23514", ST_E_CHECK},
    {"23502", ST_E_NOT_NULL},    {"40001", ST_E_SERIALIZATION},
    {"40P01", ST_E_DEADLOCK},    {"55P03", ST_E_BUSY},
    {"57014", -ETIMEDOUT}, /* statement_timeout: our own cancel requests end in pg_reset */
    {"25006", ST_E_READ_ONLY},   {"42P01", ST_E_SCHEMA},
    {"42703", ST_E_SCHEMA},      {"42704", ST_E_SCHEMA},
    {"3F000", ST_E_SCHEMA},      {"53100", ST_E_FULL},
    {"53300", ST_E_CONNECTION},  {"57P01", ST_E_CONNECTION},
    {"57P02", ST_E_CONNECTION},  {"57P03", ST_E_CONNECTION},
    {"57P05", ST_E_CONNECTION},  {"25P03", ST_E_CONNECTION}, /* idle in transaction for too long: the server hangs up */
    {"08***", ST_E_CONNECTION},
};

static st_err find_code(const char *state)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        size_t n = codes[i].state[2] == '*' ? 2 : 5;
        if (strncmp(codes[i].state, state, n) == 0) {
            return codes[i].err;
        }
    }
    return ST_E_SQL;
}

static void put(char *out, size_t size, const PGresult *res, int field)
{
    const char *s = PQresultErrorField(res, field);
    (void)snprintf(out, size, "%s", s ? s : "");
}

/* libpq's own messages run over several lines. */
static void one_line(char *s)
{
    char *out = s;
    for (const char *in = s; *in; in++) {
        bool space = *in == '\n' || *in == '\t' || *in == ' ';
        if (!space) {
            *out++ = *in;
        } else if (out > s && out[-1] != ' ') {
            *out++ = ' ';
        }
    }
    while (out > s && out[-1] == ' ') {
        out--;
    }
    *out = '\0';
}

static void add_hint(struct diag *d, const PGresult *res)
{
    if (d->code == ST_E_SCHEMA) {
        diag_hint("run the migrations");
    } else if (strcmp(d->sqlstate, "26000") == 0 || strcmp(d->sqlstate, "42P05") == 0) {
        diag_hint("behind a transaction pooler, add ?pooler=transaction to the database URL");
    } else {
        put(d->hint, sizeof d->hint, res, PG_DIAG_MESSAGE_HINT);
    }
}

st_err pg_error(struct pg_conn *c, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (!state || PQstatus(c->pq) == CONNECTION_BAD) {
        return pg_failed(c, "the connection was lost");
    }
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    st_err err = find_code(state);
    diag_set(err, "%s%s%s%s", message ? message : "error without a message", detail ? " (" : "", detail ? detail : "",
             detail ? ")" : "");
    struct diag *d = diag_last();
    (void)snprintf(d->sqlstate, sizeof d->sqlstate, "%.5s", state);
    put(d->constraint, sizeof d->constraint, res, PG_DIAG_CONSTRAINT_NAME);
    put(d->table, sizeof d->table, res, PG_DIAG_TABLE_NAME);
    put(d->column, sizeof d->column, res, PG_DIAG_COLUMN_NAME);
    add_hint(d, res);
    if (err == ST_E_CONNECTION) {
        st_conn_lost(&c->base);
    }
    return err;
}

static bool means_no_memory(const char *text) /* libpq has no code for it */
{
    return strstr(text, "out of memory") || strstr(text, "cannot allocate memory");
}

st_err pg_failed(struct pg_conn *c, const char *what)
{
    char text[400];
    (void)snprintf(text, sizeof text, "%s", PQerrorMessage(c->pq));
    one_line(text);
    if (PQstatus(c->pq) != CONNECTION_BAD) { /* the library's own complaint, such as no memory */
        c->base.broken = true;
        return means_no_memory(text) ? diag_nomem() : diag_set(ST_E_SQL, "%s: %s", what, text);
    }
    st_conn_lost(&c->base);
    return diag_set(ST_E_CONNECTION, "%s%s%s", what, *text ? ": " : "", text);
}

st_err pg_no_result(struct pg_conn *c)
{
    c->base.broken = true;
    return diag_nomem();
}

st_err pg_connect_error(PGconn *pq, const char *url)
{
    char text[400];
    (void)snprintf(text, sizeof text, "%s", PQerrorMessage(pq));
    one_line(text);
    if (means_no_memory(text)) {
        return diag_nomem();
    }
    diag_set(ST_E_CONNECTION, "cannot connect to %s: %s", url, *text ? text : "no reason was given");
    return ST_E_CONNECTION;
}
