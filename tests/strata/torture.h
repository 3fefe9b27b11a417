/* torture.h: a database is upgraded, looked at and downgraded while something goes wrong at one of its chances after
 * another: each time a command ends with an error that says so or does its work, nothing leaks or stays locked, and the
 * next try leads to the same schema and the same rows. */
#ifndef TEST_STRATA_TORTURE_H
#define TEST_STRATA_TORTURE_H

#include "faults.h"
#include "random.h"
#include "server.h"
#include "strata/migrate.h"

struct torture;
struct torture_kind { /* of what goes wrong */
    int how;          /* enum fault, or another of the way's own */
    st_err codes[4];  /* what may come back, beside 0 */
};
struct torture_way {
    const char *variable;     /* of the environment: how many times of each kind and command; 0: each */
    const char *const *names; /* by how */
    /* Opens an engine, runs the command with torture_run while the nth time goes wrong (UINT64_MAX: none), and closes
     * it. Returns the exit code; *ret_times: how often it could have gone wrong. */
    int (*run)(struct torture *t, const char *args, uint64_t nth, uint64_t *ret_times);
    const char *(*where)(void); /* what went wrong last, for messages */
};
struct torture {
    struct world *w;
    struct chance chance;
    struct st_migrations m;
    const char *top, *bottom, *top_rows, *bottom_rows;
    const char *admin; /* PostgreSQL: its superuser */
    const char *made;  /* where revisions are written */
    const struct torture_way *way;
    const struct torture_kind *kind;
};

int torture_run(struct torture *t, st_engine *e, const char *args);
/* In its place when the engine could not be opened, as a program would say it. */
int torture_not_open(struct torture *t, st_err rc);
/* share: the times that go wrong in an upgrade and a downgrade, and share_of_looks in each other command, spread over
 * all from one that WAYMARK_TEST_SEED chooses; the way's variable wins. */
void torture(enum st_dialect d, const struct torture_way *way, const struct torture_kind *kinds, size_t n,
             uint64_t share, uint64_t share_of_looks);

#endif
