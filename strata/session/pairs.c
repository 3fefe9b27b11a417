#include "strata/session/pairs.h"

#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "strata/model/value.h"

enum { SLOTS_FIRST = 64 };

static uint32_t *slot_of(const struct pairs *p, const void *a, const void *b)
{
    size_t i = st_mix((uintptr_t)a, (uintptr_t)b) & p->mask;
    for (; p->slots[i]; i = (i + 1) & p->mask) {
        const struct pair *there = &p->v[p->slots[i] - 1];
        if (there->a == a && there->b == b) {
            break;
        }
    }
    return &p->slots[i];
}

static int grow(struct pairs *p)
{
    size_t slots = p->slots ? (p->mask + 1) * 2 : SLOTS_FIRST;
    if (slots > UINT32_MAX / 2) {
        return -ENOMEM;
    }
    struct pair *v = mem_realloc(p->v, slots / 2 * sizeof *v);
    if (!v) {
        return -ENOMEM;
    }
    p->v = v;
    uint32_t *bigger = mem_zalloc(slots, sizeof *bigger);
    if (!bigger) {
        return -ENOMEM;
    }
    mem_free(p->slots);
    p->slots = bigger;
    p->mask = slots - 1;
    for (uint32_t i = 0; i < p->n; i++) {
        *slot_of(p, v[i].a, v[i].b) = i + 1;
    }
    return 0;
}

int pairs_add(struct pairs *p, const void *a, const void *b, uint32_t *ret)
{
    if (!p->slots || p->n == (p->mask + 1) / 2) {
        int rc = grow(p);
        if (rc) {
            return rc;
        }
    }
    uint32_t *slot = slot_of(p, a, b);
    bool is_new = *slot == 0;
    if (is_new) {
        p->v[p->n] = (struct pair){a, b};
        *slot = ++p->n;
    }
    if (ret) {
        *ret = *slot - 1;
    }
    return is_new;
}

void pairs_release(struct pairs *p)
{
    mem_free(p->v);
    mem_free(p->slots);
    *p = (struct pairs){.n = 0};
}
