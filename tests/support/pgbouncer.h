/* pgbouncer.h: PgBouncer 1.18 in transaction mode in front of a test's PostgreSQL. */
#ifndef TEST_PGBOUNCER_H
#define TEST_PGBOUNCER_H

#include "server.h"

struct pgbouncer {
    struct server server;
};

/* For every database of the server that url (of pg_test_url or pg_server_database) points to, four server connections
 * a database and role. */
void pgbouncer_start(struct pgbouncer *b, const char *url);
/* The same database and role through the pooler. Valid until the process ends. */
const char *pgbouncer_url(const struct pgbouncer *b, const char *url);
void pgbouncer_stop(struct pgbouncer *b);

#endif
