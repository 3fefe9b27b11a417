/* The two profiles of ISO 8601: RFC 3339 to the letter, W3C datetime as sites write it. */
#include <assert.h>

#include "base/clock_civil.h"

int clock_format_rfc3339(int64_t us, char out[static CLOCK_TEXT_MAX])
{
    struct civil c;
    clock_to_civil(us, &c);
    char *at = clock_put_digits(out, c.year, 4);
    *at++ = '-';
    at = clock_put_digits(at, c.month, 2);
    *at++ = '-';
    at = clock_put_digits(at, c.day, 2);
    *at++ = 'T';
    at = clock_put_digits(at, c.hour, 2);
    *at++ = ':';
    at = clock_put_digits(at, c.minute, 2);
    *at++ = ':';
    at = clock_put_digits(at, c.second, 2);
    if (c.micros) {
        *at++ = '.';
        at = clock_put_digits(at, c.micros, 6);
    }
    *at++ = 'Z';
    *at = '\0';
    assert(at - out < CLOCK_TEXT_MAX);
    return (int)(at - out);
}

/* At least one digit; those past the sixth are cut off. */
static bool take_fraction(str *s, int *ret_micros)
{
    int micros = 0, n = 0;
    while (s->len && ascii_is_digit(s->p[0])) {
        if (n < 6) {
            micros = micros * 10 + (s->p[0] - '0');
        }
        n = n < 6 ? n + 1 : 7;
        *s = str_n(s->p + 1, s->len - 1);
    }
    for (int i = n; i < 6; i++) {
        micros *= 10;
    }
    *ret_micros = micros;
    return n > 0;
}

/* Z or a signed offset; loose also takes "+hhmm" and "+hh". */
static bool take_zone(str *s, bool loose, int *ret_minutes)
{
    if (clock_take_char(s, 'Z') || clock_take_char(s, 'z')) {
        *ret_minutes = 0;
        return true;
    }
    bool west = clock_take_char(s, '-');
    int hours, minutes = 0;
    if ((!west && !clock_take_char(s, '+')) || !clock_take_digits(s, 2, &hours)) {
        return false;
    }
    bool colon = clock_take_char(s, ':');
    if (!clock_take_digits(s, 2, &minutes) && (colon || !loose)) {
        return false;
    }
    if ((!colon && !loose) || hours > 23 || minutes > 59) {
        return false;
    }
    *ret_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

bool clock_parse_rfc3339(str s, int64_t *ret_us)
{
    struct civil c = {0};
    if (!clock_take_digits(&s, 4, &c.year) || !clock_take_char(&s, '-') || !clock_take_digits(&s, 2, &c.month) ||
        !clock_take_char(&s, '-') || !clock_take_digits(&s, 2, &c.day) ||
        (!clock_take_char(&s, 'T') && !clock_take_char(&s, 't') && !clock_take_char(&s, ' ')) ||
        !clock_take_digits(&s, 2, &c.hour) || !clock_take_char(&s, ':') || !clock_take_digits(&s, 2, &c.minute) ||
        !clock_take_char(&s, ':') || !clock_take_digits(&s, 2, &c.second) ||
        (clock_take_char(&s, '.') && !take_fraction(&s, &c.micros)) || !take_zone(&s, false, &c.offset_minutes)) {
        return false;
    }
    return s.len == 0 && clock_from_civil(&c, ret_us);
}

static bool take_w3c_time(str *s, struct civil *c)
{
    if (!clock_take_digits(s, 2, &c->hour) || !clock_take_char(s, ':') || !clock_take_digits(s, 2, &c->minute)) {
        return false;
    }
    if (clock_take_char(s, ':') &&
        (!clock_take_digits(s, 2, &c->second) || (clock_take_char(s, '.') && !take_fraction(s, &c->micros)))) {
        return false;
    }
    *s = str_trim(*s);
    if (s->len == 0) {
        return true;
    }
    if (str_eq_nocase(*s, STR("UTC")) || str_eq_nocase(*s, STR("GMT"))) {
        *s = str_n(NULL, 0);
        return true;
    }
    return take_zone(s, true, &c->offset_minutes);
}

bool clock_parse_w3c(str s, int64_t *ret_us)
{
    struct civil c = {.month = 1, .day = 1};
    s = str_trim(s);
    if (!clock_take_digits(&s, 4, &c.year)) {
        return false;
    }
    if (s.len && (!clock_take_char(&s, '-') || !clock_take_digits(&s, 2, &c.month))) {
        return false;
    }
    if (s.len && (!clock_take_char(&s, '-') || !clock_take_digits(&s, 2, &c.day))) {
        return false;
    }
    if (s.len) {
        if (!clock_take_char(&s, 'T') && !clock_take_char(&s, 't') && !ascii_is_space(s.p[0])) {
            return false;
        }
        s = str_trim(s);
        if (!take_w3c_time(&s, &c)) {
            return false;
        }
    }
    return s.len == 0 && clock_from_civil(&c, ret_us);
}
