/* faults.h: calls of libpq and sqlite3 that fail on demand, in the way in which the library itself would fail them.
 *
 * The linker puts faults_pq.c and faults_sqlite.c between Strata and the libraries (--wrap, for the calls that
 * meson.build lists). Every call that may fail of the armed kind counts, on whatever thread; the chosen ones fail. What
 * the libraries hand out is counted, too, so that a leak is found without a sanitizer. */
#ifndef TEST_STRATA_FAULTS_H
#define TEST_STRATA_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_NOMEM,     /* libpq, sqlite3: the call says that memory is out, and has done nothing */
    FAULT_NO_RESULT, /* libpq: not even for the PGresult that would say so: NULL in the place of an answer */
    FAULT_LOST,      /* libpq: the connection breaks just before the call: what was sent before arrives */
    FAULT_IO,        /* sqlite3 */
    FAULT_FULL,
    FAULT_CORRUPT,
    FAULT_BUSY,
    FAULT_IO_UNDONE, /* sqlite3: as above, and the whole transaction was rolled back, which it may do */
    FAULT_MEM,       /* base/mem.h: an allocation; when more than one is to fail, all from there on do */
};
enum { FAULT_KINDS = FAULT_MEM + 1 };
extern const char *const fault_names[FAULT_KINDS];

/* From now on the nth call that may fail so does (1: the next; UINT64_MAX: just count), and those after it, run in all.
 */
void fault_arm(enum fault kind, uint64_t nth, uint64_t run);
void fault_disarm(void);
uint64_t fault_seen(void);     /* calls since fault_arm */
const char *fault_where(void); /* the call that failed first, or "no call" */

/* What was taken from base/mem.h, libpq and sqlite3 and not given back. Call fault_watch before the first allocation.
 */
void fault_watch(void);
int64_t fault_owed(void);

/* ---- between the files of the layer ---- */
/* Counts a call that may fail of any of these kinds (a set of 1 << kind); does it? */
bool fault_due(const char *call, unsigned kinds);
enum fault fault_kind(void);
int64_t fault_pq_owed(void);

enum {
    FAULT_SQLITE = 1 << FAULT_NOMEM | 1 << FAULT_IO | 1 << FAULT_FULL | 1 << FAULT_CORRUPT | 1 << FAULT_BUSY |
                   1 << FAULT_IO_UNDONE,
    FAULT_PQ = 1 << FAULT_NOMEM | 1 << FAULT_LOST
};

/* A script on a connection that no fault reaches. */
void fault_control(const char *admin_url, const char *script);
/* Server processes whose connection was closed since the last call may still be at work: waits for their end. */
void fault_settle(const char *admin_url);

#endif
