/* rowmem.h: memory for decoded rows: a bump over blocks taken from an arena, so that decoding a field costs no call,
 * and a row that nobody keeps gives its memory to the next. Private to the engine. */
#ifndef STRATA_ENGINE_ROWMEM_H
#define STRATA_ENGINE_ROWMEM_H

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

struct rowmem {
    arena *arena;
    char *block, *pos, *end;
    size_t next; /* size of the next block */
};

/* rows of about row_size bytes are expected; both are hints. */
void rowmem_init(struct rowmem *m, arena *a, size_t rows, size_t row_size);
void *rowmem_grow(struct rowmem *m, size_t size); /* the slow path */

static inline void *rowmem_take(struct rowmem *m, size_t size) /* not aligned */
{
    if (__builtin_expect((size_t)(m->end - m->pos) >= size && m->pos, 1)) {
        char *p = m->pos;
        m->pos += size;
        return p;
    }
    return rowmem_grow(m, size);
}

static inline void *rowmem_take_aligned(struct rowmem *m, size_t size) /* to 16 */
{
    size_t pad = (size_t)(-(uintptr_t)m->pos & 15);
    size_t left = (size_t)(m->end - m->pos);
    if (__builtin_expect(m->pos && left >= pad && left - pad >= size, 1)) {
        char *p = m->pos + pad;
        m->pos = p + size;
        return p;
    }
    return rowmem_grow(m, size);
}

static inline char *rowmem_dup0(struct rowmem *m, const void *p, size_t len) /* adds a NUL */
{
    char *copy = rowmem_take(m, len + 1);
    if (__builtin_expect(copy != NULL, 1)) {
        memcpy(copy, p, len);
        copy[len] = '\0';
    }
    return copy;
}

/* The state before a row, to which a row that nobody keeps goes back. When the row went into a newer block, that
 * block, which is larger than the row was, serves the next one from its start. */
struct rowmem_mark {
    char *block, *pos;
};
static inline struct rowmem_mark rowmem_mark(const struct rowmem *m)
{
    return (struct rowmem_mark){m->block, m->pos};
}
static inline void rowmem_rewind(struct rowmem *m, struct rowmem_mark mark)
{
    m->pos = m->block == mark.block ? mark.pos : m->block;
}

#endif
