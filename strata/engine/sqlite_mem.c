/* SQLite's heap from base/mem.h, so that its failures can be tested too. It is the whole process's, hence a call of its
 * own that a program makes or leaves. */
#include <assert.h>
#include <stddef.h>

#include "base/mem.h"
#include "strata/engine/sqlite.h"

/* mem.h does not tell sizes, so each block remembers its own, in front. */
struct head {
    size_t size;
    _Alignas(max_align_t) char block[];
};

static struct head *head_of(void *p)
{
    return (struct head *)(void *)((char *)p - offsetof(struct head, block));
}

static void *take(int size)
{
    assert(size > 0);
    struct head *h = mem_alloc(sizeof *h + (size_t)size);
    if (!h) {
        return NULL;
    }
    h->size = (size_t)size;
    return h->block;
}

static void give(void *p)
{
    if (p) {
        mem_free(head_of(p));
    }
}

static void *resize(void *p, int size)
{
    assert(p && size > 0);
    struct head *h = mem_realloc(head_of(p), sizeof *h + (size_t)size);
    if (!h) {
        return NULL;
    }
    h->size = (size_t)size;
    return h->block;
}

static int size_of(void *p)
{
    return p ? (int)head_of(p)->size : 0;
}

static int round_up(int size)
{
    return (size + 7) & ~7;
}

static int start(void *arg)
{
    (void)arg;
    return SQLITE_OK;
}

static void stop(void *arg)
{
    (void)arg;
}

st_err st_sqlite_use_mem(void)
{
    static const struct sqlite3_mem_methods methods = {.xMalloc = take,
                                                       .xFree = give,
                                                       .xRealloc = resize,
                                                       .xSize = size_of,
                                                       .xRoundup = round_up,
                                                       .xInit = start,
                                                       .xShutdown = stop};
    /* Lookaside memory would hide most allocations from a test, and costs 48 KiB a connection. */
    int rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    if (rc == SQLITE_OK) {
        rc = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    }
    return rc == SQLITE_OK
               ? 0
               : diag_set(ST_E_INVALID, "SQLite is in use already: choose its memory at the program's start");
}
