#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#if defined(__has_feature) /* clang's way to say it */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, CHUNK_MIN = 1024, CHUNK_MAX = 256 * 1024 };

struct chunk {
    struct chunk *next;
    size_t size; /* usable bytes behind the header */
    _Alignas(ALIGN) char data[];
};

struct callback {
    struct callback *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    char *pos, *end;       /* free part of the current chunk */
    struct chunk *current; /* newest in use; older ones behind it */
    struct chunk *spare;   /* emptied by a reset, waiting for reuse */
    struct callback *callbacks;
    arena *parent, *child, *prev, *next;
    size_t used_before; /* bytes used in the chunks behind current */
    size_t held, limit, next_size;
    size_t failures;
};

void *arena_fail(arena *a)
{
    for (arena *p = a; p; p = p->parent) {
        p->failures++;
    }
    return NULL;
}

size_t arena_failures(const arena *a)
{
    return a->failures;
}

arena *arena_new(arena *parent, size_t limit)
{
    arena *a = mem_zalloc(1, sizeof *a);
    if (!a) {
        return arena_fail(parent);
    }
    a->limit = limit ? limit : SIZE_MAX;
    a->next_size = CHUNK_MIN;
    a->parent = parent;
    if (parent) {
        a->next = parent->child;
        if (a->next) {
            a->next->prev = a;
        }
        parent->child = a;
    }
    return a;
}

static void free_chunks(struct chunk *c)
{
    while (c) {
        struct chunk *next = c->next;
        UNPOISON(c->data, c->size);
        mem_free(c);
        c = next;
    }
}

/* Callbacks see the children and their memory still alive, so both end before a chunk moves. */
static void end_contents(arena *a)
{
    while (a->callbacks) {
        struct callback *cb = a->callbacks;
        a->callbacks = cb->next;
        cb->fn(cb->arg);
    }
    while (a->child) {
        arena_free(a->child);
    }
}

void arena_reset(arena *a)
{
    end_contents(a);
    struct chunk *c = a->current;
    while (c) {
        struct chunk *next = c->next;
        POISON(c->data, c->size);
        c->next = a->spare;
        a->spare = c;
        c = next;
    }
    a->current = NULL;
    a->pos = a->end = NULL;
    a->used_before = 0;
}

void arena_free(arena *a)
{
    if (!a) {
        return;
    }
    end_contents(a);
    if (a->prev) {
        a->prev->next = a->next;
    } else if (a->parent) {
        assert(a->parent->child == a);
        a->parent->child = a->next;
    }
    if (a->next) {
        a->next->prev = a->prev;
    }
    free_chunks(a->current);
    free_chunks(a->spare);
    mem_free(a);
}

/* The first spare chunk that fits; smaller ones stay for later requests. */
static struct chunk *take_spare(arena *a, size_t need)
{
    for (struct chunk **at = &a->spare; *at; at = &(*at)->next) {
        struct chunk *c = *at;
        if (c->size >= need) {
            *at = c->next;
            return c;
        }
    }
    return NULL;
}

static struct chunk *add_chunk(arena *a, size_t need)
{
    size_t size = need > a->next_size ? need : a->next_size;
    if (size > a->limit - a->held) {
        size = need;
    }
    if (size > a->limit - a->held || size > SIZE_MAX - sizeof(struct chunk)) {
        return arena_fail(a);
    }
    struct chunk *c = mem_alloc(sizeof *c + size);
    if (!c) {
        return arena_fail(a);
    }
    c->size = size;
    a->held += size;
    if (a->next_size < CHUNK_MAX) {
        a->next_size *= 2;
    }
    POISON(c->data, c->size);
    return c;
}

static char *grow_and_take(arena *a, size_t size)
{
    struct chunk *c = take_spare(a, size);
    if (!c && !(c = add_chunk(a, size))) {
        return NULL;
    }
    if (a->current) {
        a->used_before += (size_t)(a->pos - a->current->data);
    }
    c->next = a->current;
    a->current = c;
    a->pos = c->data;
    a->end = c->data + c->size;
    char *p = a->pos;
    a->pos += size;
    UNPOISON(p, size);
    return p;
}

char *arena_bytes(arena *a, size_t size)
{
    assert(a);
    if (__builtin_expect((size_t)(a->end - a->pos) >= size && a->pos, 1)) {
        char *p = a->pos;
        a->pos += size;
        UNPOISON(p, size);
        return p;
    }
    return grow_and_take(a, size);
}

void *arena_alloc(arena *a, size_t size)
{
    assert(a);
    if (__builtin_expect(a->pos != NULL, 1)) {
        size_t pad = (size_t)(-(uintptr_t)a->pos & (ALIGN - 1));
        size_t left = (size_t)(a->end - a->pos);
        if (__builtin_expect(left >= pad && left - pad >= size, 1)) {
            char *p = a->pos + pad;
            a->pos = p + size;
            UNPOISON(p, size);
            return p;
        }
    }
    return grow_and_take(a, size);
}

void *arena_zalloc(arena *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *p = arena_alloc(a, total);
    return p ? memset(p, 0, total) : NULL;
}

char *arena_memdup0(arena *a, const void *p, size_t len)
{
    assert(p || len == 0);
    char *copy = len < SIZE_MAX ? arena_bytes(a, len + 1) : NULL;
    if (copy) {
        if (len) {
            memcpy(copy, p, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

char *arena_strdup(arena *a, const char *s)
{
    return arena_memdup0(a, s, strlen(s));
}

char *arena_vprintf(arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = n < 0 ? NULL : arena_bytes(a, (size_t)n + 1);
    if (s) {
        (void)vsnprintf(s, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    return s;
}

char *arena_printf(arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

int arena_on_reset(arena *a, void (*fn)(void *arg), void *arg)
{
    assert(fn);
    struct callback *cb = arena_alloc(a, sizeof *cb);
    if (!cb) {
        return -ENOMEM;
    }
    *cb = (struct callback){.next = a->callbacks, .fn = fn, .arg = arg};
    a->callbacks = cb;
    return 0;
}

size_t arena_used(const arena *a)
{
    return a->used_before + (a->current ? (size_t)(a->pos - a->current->data) : 0);
}

size_t arena_held(const arena *a)
{
    return a->held;
}
