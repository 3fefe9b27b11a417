#include "faults.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

const char *const fault_names[FAULT_KINDS] = {
    [FAULT_NOMEM] = "no memory",
    [FAULT_NO_RESULT] = "no result",
    [FAULT_LOST] = "connection lost",
    [FAULT_IO] = "I/O error",
    [FAULT_FULL] = "disk full",
    [FAULT_CORRUPT] = "corrupt",
    [FAULT_BUSY] = "busy",
    [FAULT_IO_UNDONE] = "I/O error, rolled back",
    [FAULT_MEM] = "allocation",
};

/* Driven by one thread at a time, but not always the same. */
static _Atomic bool armed;
static _Atomic uint64_t seen, first, last;
static enum fault chosen;
static const char *_Atomic where;

void fault_arm(enum fault kind, uint64_t nth, uint64_t run)
{
    chosen = kind;
    atomic_store(&seen, 0);
    atomic_store(&first, nth);
    atomic_store(&last, nth > UINT64_MAX - run ? UINT64_MAX : nth + run - 1);
    atomic_store(&where, "no call");
    atomic_store(&armed, true);
    if (kind == FAULT_MEM) {
        mem_fail_at(nth, run > 1);
    }
}

void fault_disarm(void)
{
    mem_fail_at(0, false);
    atomic_store(&armed, false);
}

uint64_t fault_seen(void)
{
    return chosen == FAULT_MEM ? mem_fail_seen() : atomic_load(&seen);
}

const char *fault_where(void)
{
    return atomic_load(&where);
}

enum fault fault_kind(void)
{
    return chosen;
}

bool fault_due(const char *call, unsigned kinds)
{
    if (!atomic_load(&armed) || !(kinds >> chosen & 1)) {
        return false;
    }
    uint64_t n = atomic_fetch_add(&seen, 1) + 1;
    if (n == atomic_load(&first)) {
        atomic_store(&where, call);
    }
    return n >= atomic_load(&first) && n <= atomic_load(&last);
}

/* ---- what is owed ---- */

static _Atomic int64_t blocks;

static void *count_alloc(size_t size)
{
    void *p = malloc(size);
    atomic_fetch_add(&blocks, p != NULL);
    return p;
}

static void *count_realloc(void *old, size_t size)
{
    void *p = realloc(old, size);
    atomic_fetch_add(&blocks, p && !old);
    return p;
}

static void count_free(void *p)
{
    atomic_fetch_sub(&blocks, 1);
    free(p);
}

void fault_watch(void)
{
    mem_set_hooks(&(const struct mem_hooks){count_alloc, count_realloc, count_free});
}

int64_t fault_owed(void)
{
    return atomic_load(&blocks) + fault_pq_owed() + sqlite3_memory_used();
}
