/* clock_civil.h: calendar fields, shared by the spellings of time in base/clock_*.c; private to base. */
#ifndef BASE_CLOCK_CIVIL_H
#define BASE_CLOCK_CIVIL_H

#include "base/clock.h"

struct civil {
    int year, month, day; /* 0..9999, 1..12, 1..31 */
    int hour, minute, second, micros;
    int offset_minutes; /* of the zone, east of UTC positive */
    int weekday;        /* 0 is Sunday; only given, never read */
};

/* False when a field is out of its range; 60 seconds only where UTC can have a leap second. */
bool clock_from_civil(const struct civil *c, int64_t *ret_us);
void clock_to_civil(int64_t us, struct civil *ret); /* UTC; clamped to the years 0..9999 */

char *clock_put_digits(char *at, int value, int width); /* returns the end; no NUL */
bool clock_take_digits(str *s, size_t n, int *ret);     /* exactly n digits off the front */
bool clock_take_char(str *s, char c);

#endif
