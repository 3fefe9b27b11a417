#include "strata/session/identity.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "strata/model/value.h"
#include "strata/session/internal.h"

enum { SLOTS_FIRST = 64, SLOTS_KEPT = 1024, AHEAD = 16 };

void identity_release(identity *map)
{
    mem_free(map->slots);
    *map = (identity){.seed = map->seed};
}

void identity_clear(identity *map)
{
    map->later = NULL;
    if (map->mask >= SLOTS_KEPT && map->n < map->mask / 16) {
        identity_release(map);
    } else if (map->n) {
        memset(map->slots, 0, (map->mask + 1) * sizeof *map->slots);
        map->n = 0;
    }
}

static void place(struct identity_slot *slots, size_t mask, struct identity_slot what)
{
    size_t i = what.hash & mask;
    while (slots[i].obj) {
        i = (i + 1) & mask;
    }
    slots[i] = what;
}

/* At most five eighths full: short runs even for the unlucky. */
static bool has_room(const identity *map, size_t n)
{
    return map->slots && n <= (map->mask + 1) / 8 * 5;
}

int identity_reserve(identity *map, size_t more)
{
    size_t n = map->n + more, slots = map->slots ? map->mask + 1 : SLOTS_FIRST;
    if (has_room(map, n)) {
        return 0;
    }
    while (n > slots / 8 * 5) {
        if (slots > SIZE_MAX / 4 / sizeof *map->slots) {
            return -ENOMEM;
        }
        slots *= slots < (1u << 16) ? 4 : 2;
    }
    struct identity_slot *bigger = mem_zalloc(slots, sizeof *bigger);
    if (!bigger) {
        return -ENOMEM;
    }
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        if (map->slots[i].obj) {
            place(bigger, slots - 1, map->slots[i]);
        }
    }
    mem_free(map->slots);
    map->slots = bigger;
    map->mask = slots - 1;
    return 0;
}

uint64_t identity_hash(const identity *map, const st_mapper *m, const void *obj)
{
    uint64_t hash = st_mapper_key_hash(m, obj, map->seed ^ (uintptr_t)m);
    return hash ? hash : 1;
}

void *identity_find(const identity *map, const st_mapper *m, const void *obj, uint64_t hash)
{
    if (!map->slots) {
        return NULL;
    }
    for (size_t i = hash & map->mask; map->slots[i].obj; i = (i + 1) & map->mask) {
        void *there = map->slots[i].obj;
        if (map->slots[i].hash == hash && row_of(there)->mapper == m && st_mapper_key_same(m, there, obj)) {
            return there;
        }
    }
    return NULL;
}

void identity_add(identity *map, void *obj, uint64_t hash)
{
    assert(has_room(map, map->n + 1));
    place(map->slots, map->mask, (struct identity_slot){hash, obj});
    map->n++;
}

static void *find_or_add(identity *map, const st_mapper *m, void *obj, uint64_t hash)
{
    struct identity_slot *slot = &map->slots[hash & map->mask];
    while (slot->obj) {
        void *there = slot->obj;
        if (slot->hash == hash && (there == obj || (row_of(there)->mapper == m && st_mapper_key_same(m, there, obj)))) {
            return there;
        }
        slot = &map->slots[((size_t)(slot - map->slots) + 1) & map->mask];
    }
    *slot = (struct identity_slot){hash, obj};
    map->n++;
    return obj;
}

/* The room is made once, and slots are on their way from memory while those before them are filled. */
int identity_take(identity *map, const st_mapper *m, void **objs, size_t n)
{
    uint64_t hashes[AHEAD];
    if (identity_reserve(map, n) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n + AHEAD; i++) {
        if (i >= AHEAD && i - AHEAD < n) {
            objs[i - AHEAD] = find_or_add(map, m, objs[i - AHEAD], hashes[i % AHEAD]);
        }
        if (i < n) {
            uint64_t hash = identity_hash(map, m, objs[i]);
            hashes[i % AHEAD] = hash;
            identity_prefetch(map, hash);
        }
    }
    return 0;
}

void identity_defer(identity *map, struct identity_list *list)
{
    list->next = map->later;
    map->later = list;
}

int identity_settle(identity *map, const st_mapper *m)
{
    for (struct identity_list **at = &map->later; *at;) {
        struct identity_list *list = *at;
        if (m && list->m != m) {
            at = &list->next;
            continue;
        }
        if (identity_take(map, list->m, list->objs, list->n) != 0) {
            return -ENOMEM;
        }
        *at = list->next;
    }
    return 0;
}

void identity_remove(identity *map, const st_mapper *m, const void *obj)
{
    if (!map->slots) {
        return;
    }
    size_t mask = map->mask, i = identity_hash(map, m, obj) & mask;
    while (map->slots[i].obj != obj) {
        if (!map->slots[i].obj) {
            return;
        }
        i = (i + 1) & mask;
    }
    /* Those behind it that hashed to it or before move up. */
    for (size_t k = (i + 1) & mask; map->slots[k].obj; k = (k + 1) & mask) {
        size_t home = map->slots[k].hash & mask;
        if (((k - home) & mask) >= ((k - i) & mask)) {
            map->slots[i] = map->slots[k];
            i = k;
        }
    }
    map->slots[i] = (struct identity_slot){0, NULL};
    map->n--;
}
