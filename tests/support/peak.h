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

/* What a limit on time is multiplied with where a sanitizer slows everything down. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PEAK_SLOW 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PEAK_SLOW 8
#endif
#endif
#ifndef PEAK_SLOW
#define PEAK_SLOW 1
#endif

#endif
