/* arena.h: memory that is given back all at once.
 *
 * An arena has an owner (its parent, or whoever called arena_new) and children that die with it. What is
 * allocated lives until the arena is reset or freed; there is no single free. A reset runs the callbacks,
 * newest first, frees the children, and keeps the memory for reuse: touched pages are what makes loading
 * fast. An arena belongs to one thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"

DECLS_BEGIN

typedef struct arena arena;

/* A child of parent (NULL: a root). limit bounds the bytes this arena alone may hold; 0 means none.
 * Returns NULL when memory is out. */
arena *arena_new(arena *parent, size_t limit) __attribute__((warn_unused_result));
void arena_free(arena *a); /* NULL is fine; unlinks from the parent */
void arena_reset(arena *a);

/* 16-byte aligned, uninitialised; NULL when memory is out or the limit is reached. size 0 is allowed. */
void *arena_alloc(arena *a, size_t size) __attribute__((malloc, alloc_size(2), warn_unused_result));
void *arena_zalloc(arena *a, size_t count, size_t size) __attribute__((malloc, alloc_size(2, 3), warn_unused_result));
/* No alignment: for strings, packed end to end. */
char *arena_bytes(arena *a, size_t size) __attribute__((malloc, alloc_size(2), warn_unused_result));
char *arena_strdup(arena *a, const char *s) __attribute__((warn_unused_result));
char *arena_memdup0(arena *a, const void *p, size_t len) __attribute__((warn_unused_result)); /* adds a NUL */
char *arena_printf(arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3), warn_unused_result));
char *arena_vprintf(arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0), warn_unused_result));

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_zalloc((a), (n), sizeof(type)))

/* Runs fn(arg) at the next reset or free. Returns 0 or -ENOMEM (then fn was not registered). */
int arena_on_reset(arena *a, void (*fn)(void *arg), void *arg);

/* How often it, or an arena below it, had to return NULL: what a caller let pass is noticed at the end of a work. */
size_t arena_failures(const arena *a);
void *arena_fail(arena *a);        /* counts another one, of memory beside the arena; returns NULL */
size_t arena_used(const arena *a); /* bytes handed out since the last reset, children not counted */
size_t arena_held(const arena *a); /* bytes held from the heap, children not counted */

static inline void arena_freep(arena **a)
{
    arena_free(*a);
}
#define ARENA_AUTO __attribute__((cleanup(arena_freep)))

DECLS_END

#endif
