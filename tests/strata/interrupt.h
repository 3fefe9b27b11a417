/* interrupt.h: a fiber that is cancelled, or out of time, where it waits for the n-th time. The linker puts interrupt.c
 * between the fibers and their scheduler and clock (--wrap, see meson.build). */
#ifndef TEST_STRATA_INTERRUPT_H
#define TEST_STRATA_INTERRUPT_H

#include <stdint.h>

#include "fiber/fiber.h"

enum manner {
    CANCELLED,      /* as soon as it waits */
    CANCELLED_BUSY, /* a little later: a thread or the server is at work for it */
    CANCELLED_LATE, /* when what it waited for has come, but before it runs */
    OUT_OF_TIME,    /* two hours pass */
    MANNERS
};
extern const char *const manners[MANNERS];

/* From now on the waits of victim are counted, from 1, and the nth is interrupted. */
void interrupt_arm(const fiber *victim, enum manner manner, uint64_t nth);
/* The victim has done its work, and nothing more happens to it. */
void interrupt_disarm(void);
uint64_t interrupt_seen(void); /* waits since interrupt_arm */
enum manner interrupt_manner(void);

#endif
