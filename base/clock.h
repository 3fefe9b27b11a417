/* clock.h: points in time and their spellings.
 *
 * Wall-clock points are int64 microseconds since 1970-01-01T00:00:00Z; deadlines are int64 nanoseconds of the
 * monotonic clock. The two never mix. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

int64_t clock_wall_us(void);
int64_t clock_mono_ns(void);

enum { CLOCK_TEXT_MAX = 40 };

/* RFC 3339 in UTC, "2026-11-22T17:20:00.123456Z"; the fraction is left out when zero. Years 0..9999; others are
 * clamped. out gets a NUL; returns the length. */
int clock_format_rfc3339(int64_t us, char out[static CLOCK_TEXT_MAX]);
/* RFC 3339 exactly ("T" or a space between date and time, "z" allowed; a leap second reads as :59.999999). */
bool clock_parse_rfc3339(str s, int64_t *ret_us);

/* W3C datetime (https://www.w3.org/TR/NOTE-datetime), as lastmod in sitemaps: YYYY, YYYY-MM, YYYY-MM-DD, and with
 * Thh:mm[:ss[.s+]] and an optional zone (missing: UTC). Tolerates what sites write: surrounding white space, a
 * space for the T, "+0000" without its colon. False for anything else. */
bool clock_parse_w3c(str s, int64_t *ret_us);

/* HTTP-date (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850 and asctime forms; also RFC 822 dates with numeric or
 * named zones as feeds write them. */
bool clock_parse_http(str s, int64_t *ret_us);
int clock_format_http(int64_t us, char out[static CLOCK_TEXT_MAX]);

#endif
