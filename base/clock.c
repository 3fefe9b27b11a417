#include "base/clock.h"

#include <assert.h>
#include <time.h>

#include "base/clock_civil.h"

int64_t clock_wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, and back: H. Hinnant, "chrono-compatible low-level date
 * algorithms". Years are counted from March so that the leap day comes last. */
static int64_t days_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (int64_t)era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool clock_from_civil(const struct civil *c, int64_t *ret_us)
{
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_in_month(c->year, c->month) || c->hour > 23 ||
        c->minute > 59 || c->second > 60) {
        return false;
    }
    assert(c->year >= 0 && c->year <= 9999 && c->micros >= 0 && c->micros < 1000000);
    int64_t seconds =
        days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 - c->offset_minutes * 60;
    if (c->second < 60) {
        *ret_us = (seconds + c->second) * 1000000 + c->micros;
        return true;
    }
    /* A leap second ends a UTC day; there is no point in time of ours for it. */
    if ((seconds + 60) % 86400 != 0) {
        return false;
    }
    *ret_us = (seconds + 59) * 1000000 + 999999;
    return true;
}

void clock_to_civil(int64_t us, struct civil *ret)
{
    static const int64_t first = -62167219200000000, last = 253402300799999999; /* years 0 and 9999 */
    us = us < first ? first : us > last ? last : us;
    int64_t seconds = us / 1000000, micros = us % 1000000;
    if (micros < 0) {
        micros += 1000000;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * of_year + 2) / 153;
    int month = (int)(m < 10 ? m + 3 : m - 9);
    *ret = (struct civil){.year = (int)(year_of_era + era * 400 + (month <= 2)),
                          .month = month,
                          .day = (int)(of_year - (153 * m + 2) / 5 + 1),
                          .hour = (int)(rest / 3600),
                          .minute = (int)(rest / 60 % 60),
                          .second = (int)(rest % 60),
                          .micros = (int)micros,
                          .weekday = (int)(((days + 4) % 7 + 7) % 7)};
    assert(ret->year >= 0 && ret->year <= 9999);
}

char *clock_put_digits(char *at, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    assert(value == 0);
    return at + width;
}

bool clock_take_digits(str *s, size_t n, int *ret)
{
    if (s->len < n) {
        return false;
    }
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ascii_is_digit(s->p[i])) {
            return false;
        }
        v = v * 10 + (s->p[i] - '0');
    }
    *ret = v;
    *s = str_n(s->p + n, s->len - n);
    return true;
}

bool clock_take_char(str *s, char c)
{
    if (s->len == 0 || s->p[0] != c) {
        return false;
    }
    *s = str_n(s->p + 1, s->len - 1);
    return true;
}
