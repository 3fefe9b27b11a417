#include "strata/engine/rowmem.h"

#include <assert.h>

enum { BLOCK_MIN = 256, BLOCK_MAX = 64 * 1024 };

void rowmem_init(struct rowmem *m, arena *a, size_t rows, size_t row_size)
{
    assert(a);
    size_t want = rows < BLOCK_MAX && row_size < BLOCK_MAX ? rows * row_size : BLOCK_MAX;
    *m = (struct rowmem){.arena = a, .next = want < BLOCK_MIN ? BLOCK_MIN : want > BLOCK_MAX ? BLOCK_MAX : want};
}

void *rowmem_grow(struct rowmem *m, size_t size)
{
    if (size > SIZE_MAX / 4) {
        return NULL;
    }
    /* With room to spare: rewound rows of that size then fit with what else they hold, and the blocks that rewinding
     * leaves behind stay few however the sizes grow. */
    size_t room = m->next >= 2 * size ? m->next : size + size / 4 + m->next;
    char *p = arena_alloc(m->arena, room);
    if (!p) {
        return NULL;
    }
    m->block = p;
    m->pos = p + size;
    m->end = p + room;
    m->next = m->next < BLOCK_MAX / 2 ? m->next * 2 : BLOCK_MAX;
    return p;
}
