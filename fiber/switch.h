/* switch.h: the one place that changes stacks.
 *
 * A context is a suspended flow of control. switch_to saves the callee-saved registers of the caller in *from and
 * continues *to where it was saved, or in entry(arg) when it is new. Floating-point control words are not switched
 * (it would double the cost): a fiber that changes the rounding mode puts it back before it suspends. Shadow stacks
 * (CET SHSTK) are not supported, and the object says so to the linker. */
#ifndef FIBER_SWITCH_H
#define FIBER_SWITCH_H

#include <stddef.h>

#ifdef FIBER_SWITCH_UCONTEXT
#include <ucontext.h>
struct switch_ctx {
    ucontext_t uc;
    void (*entry)(void *arg);
    void *arg;
};
#else
struct switch_ctx {
    void *sp;
};
#endif

/* The stack is size bytes from low, growing down; entry must never return. */
void switch_make(struct switch_ctx *c, void *low, size_t size, void (*entry)(void *arg), void *arg);
void switch_to(struct switch_ctx *from, struct switch_ctx *to);

#endif
