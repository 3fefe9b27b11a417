/* What debug builds look after, and how a broken rule ends. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fiber/internal.h"

void fiber_die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("fiber: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    abort();
}

const char *fiber_label(const fiber *f)
{
    return f->name ? f->name : "(ended)";
}

size_t fiber_stack_peak(const fiber_loop *l, const char *name)
{
    size_t peak = 0;
    for (size_t i = 0; i < l->n_sites; i++) {
        if (strcmp(l->sites[i].name, name) == 0 && l->sites[i].peak > peak) {
            peak = l->sites[i].peak;
        }
    }
    return peak;
}

#ifdef NDEBUG
void check_stack(fiber_loop *l, fiber *f)
{
    (void)l, (void)f;
}
#else

/* The lowest word that is not zero. A stack starts as zeros and is zeroed after use; no frame may have a hole of more
 * than the 16 KiB that -Wstack-usage allows, so that many zero bytes end the search. */
NO_ASAN NO_TSAN static uintptr_t *lowest_used(uintptr_t *low, uintptr_t *high)
{
    const size_t hole = 16384 / sizeof *low;
    uintptr_t *used = high;
    for (uintptr_t *at = high; at > low && (size_t)(used - at) < hole;) {
        if (*--at) {
            used = at;
        }
    }
    return used;
}

NO_ASAN NO_TSAN static void clear(uintptr_t *from, const uintptr_t *to)
{
    for (volatile uintptr_t *p = from; p < to; p++) {
        *p = 0;
    }
}

void check_stack(fiber_loop *l, fiber *f)
{
    if (ON_VALGRIND) { /* it holds memory below a stack pointer to be undefined */
        return;
    }
    uintptr_t *low = f->stack.low, *high = (uintptr_t *)(void *)f, *used = lowest_used(low, high);
    size_t depth = (size_t)((char *)low + f->stack.size - (char *)used);
    clear(used, high);
    if (depth > f->stack.size / 8 * 7) {
        fiber_die("fiber %s used %zu of the %zu bytes of its stack", f->name, depth, f->stack.size);
    }
    if (depth > l->stats.stack_peak) {
        l->stats.stack_peak = depth;
    }
    for (size_t i = 0; i < l->n_sites; i++) {
        if (l->sites[i].name == f->name) {
            l->sites[i].peak = depth > l->sites[i].peak ? depth : l->sites[i].peak;
            return;
        }
    }
    if (l->n_sites % 32 == 0) {
        struct stack_site *more = mem_realloc(l->sites, (l->n_sites + 32) * sizeof *more);
        if (!more) {
            return; /* the figure is lost, nothing else */
        }
        l->sites = more;
    }
    l->sites[l->n_sites++] = (struct stack_site){f->name, depth};
}
#endif
