/* The first frame of a new context, as the assembly of each architecture pops it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "fiber/switch.h"

void switch_begin(void);

void switch_make(struct switch_ctx *c, void *low, size_t size, void (*entry)(void *arg), void *arg)
{
    assert(c && low && entry && size >= 1024);
    char *top = (char *)low + size;
    top -= (uintptr_t)top % 16;
#if defined(__x86_64__)
    /* r15 r14 r13 r12 rbx rbp return address; the stack is 16-byte aligned at the call in switch_begin. */
    uintptr_t frame[] = {0, 0, (uintptr_t)entry, (uintptr_t)arg, 0, 0, (uintptr_t)switch_begin, 0, 0};
#elif defined(__aarch64__)
    /* x19 .. x30, d8 .. d15 */
    uintptr_t frame[20] = {(uintptr_t)arg, (uintptr_t)entry, [11] = (uintptr_t)switch_begin};
#else
#error "no assembly for this architecture: configure with -Dfiber_switch=ucontext"
#endif
    c->sp = memcpy(top - sizeof frame, frame, sizeof frame);
}
