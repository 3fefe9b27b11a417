/* peak.h: what a piece of work costs: the heap it holds at most, as mem.h sees it, and the processor's time, which a
 * busy machine does not change. */
#ifndef PEAK_H
#define PEAK_H

#include <stddef.h>

/* Counts from here on; call before anything has been allocated. */
void peak_start(void);
size_t peak_bytes(void);

/* Seconds of this process since peak_start. */
double peak_seconds(void);

/* What a limit on time is multiplied with where a sanitizer or valgrind slows everything down. */
double peak_slow(void);

#endif
