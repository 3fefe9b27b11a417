/* day.h: a day's work in sessions on the models of club.h, and what the database may hold after it when something
 * failed on the way: each of its transactions whole or not at all. */
#ifndef TEST_STRATA_DAY_H
#define TEST_STRATA_DAY_H

#include "club.h"

enum { DAY_TRANSACTIONS = 2 };

struct day {
    struct world *w;
    const char *states[DAY_TRANSACTIONS + 1]; /* what is there before, and after each transaction */
    const char *control;                      /* PostgreSQL: the superuser's URL */
    const char *restore;                      /* the script that makes the first state of any other */
    unsigned stop_after;                      /* transactions */
    unsigned committed;                       /* of the last run: transactions whose commit returned 0 */
    bool committing;                          /* it failed in a commit */
    bool insists; /* after a failure and a rollback the same session must work again: nothing else will fail */
};

/* Fills the database of w, and tries the work once to learn the states. */
void day_open(struct day *d, struct world *w);
/* Stops at the first failure. */
st_err day_work(struct day *d);
/* The last run of day_work returned rc: nothing is in use, and what is there is all of the transactions that were
 * committed and nothing of any other; with may_be_done, a failed commit may have been one. The work then succeeds
 * without faults when again is given. Afterwards the database is as it was before the work. */
void day_check(struct day *d, st_err rc, bool may_be_done, bool again, const char *what);

#endif
