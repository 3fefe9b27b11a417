/* bench.h: ours beside theirs, measured in one run.
 *
 * A case has a side of ours and, where there is a peer, a side of theirs. Both are measured in turns, ours first, as
 * often as the case says, and the medians are reported: a machine's mood then hits both. ratio says how much better
 * ours is, whatever the unit: ours/theirs for rates (units that end in "/s"), theirs/ours for costs (ns/op, s, MiB).
 * So above 1 ours wins. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_case {
    const char *name; /* NULL ends a table */
    const char *unit; /* "ns/op", "/s", "URLs/s", "MiB", "s" */
    const char *note; /* what is measured, and what theirs is */
    /* One measurement in unit; BENCH_FAILED after bench_say(why). */
    double (*ours)(void);
    double (*theirs)(void); /* NULL: no peer */
    bool needs_peers;       /* theirs is another program's package: measured only with --peers */
    int rounds;             /* 0: 5 */
    const char *sqlalchemy; /* "pg-load": the same by SQLAlchemy, measured once with --peers; see sqlalchemy.c */
};

#define BENCH_FAILED (-1.0)
void bench_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Nanoseconds of one operation: calls fn(n) with n growing until a call takes 50 ms. fn performs n operations and
 * returns 0 or a negative code. */
double bench_ns(int (*fn)(uint64_t n));
double bench_rate(int (*fn)(uint64_t n)); /* operations a second, the same way */
void bench_use(const void *p);            /* the compiler must think that *p is looked at */

/* Peak resident memory in MiB of a forked child that runs fn(arg); it must return 0. */
double bench_peak_mib(int (*fn)(void *arg), void *arg);

/* Runs a program to its end, standard output to /dev/null; false (after bench_say) unless it exits with 0. */
struct bench_usage {
    double seconds, cpu_seconds, peak_mib;
};
bool bench_command(const char *const *argv, struct bench_usage *ret);

/* Operations a second of a case of sqlalchemy_peer.py, "pg-" or "sqlite-" in front; BENCH_FAILED. */
double bench_sqlalchemy(const char *name);

/* The build folder's path for what a part needs on disk: "<temporary folder>/<name>", removed at the end. */
const char *bench_temp(const char *name);
const char *bench_source(const char *name); /* a file of the source tree */

#endif
