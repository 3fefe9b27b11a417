/* The portable switch, for architectures without assembly. swapcontext makes a system call each time. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "fiber/switch.h"

/* makecontext passes ints only, so the pointer travels as two halves. */
static void begin(unsigned high, unsigned low)
{
    uintptr_t at = ((uintptr_t)high << 16 << 16) | low; /* two shifts: 32 may be the width */
    struct switch_ctx *c = (struct switch_ctx *)at;
    c->entry(c->arg);
    abort();
}

void switch_make(struct switch_ctx *c, void *low, size_t size, void (*entry)(void *arg), void *arg)
{
    assert(c && low && entry && size >= 1024);
    if (getcontext(&c->uc)) {
        abort(); /* it has no failure on a valid pointer */
    }
    c->entry = entry;
    c->arg = arg;
    c->uc.uc_stack.ss_sp = low;
    c->uc.uc_stack.ss_size = size;
    c->uc.uc_link = NULL;
    uintptr_t at = (uintptr_t)c;
    makecontext(&c->uc, (void (*)(void))begin, 2, (unsigned)(at >> 16 >> 16), (unsigned)at);
}

void switch_to(struct switch_ctx *from, struct switch_ctx *to)
{
    if (swapcontext(&from->uc, &to->uc)) {
        abort();
    }
}
