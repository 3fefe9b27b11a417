/* HTTP-date in its three forms, and the RFC 822 dates of feeds, which are the first form written more freely. */
#include <assert.h>

#include "base/clock_civil.h"

static const char weekdays[7][10] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int clock_format_http(int64_t us, char out[static CLOCK_TEXT_MAX])
{
    struct civil c;
    clock_to_civil(us, &c);
    memcpy(out, weekdays[c.weekday], 3);
    memcpy(out + 3, ", ", 2);
    char *at = clock_put_digits(out + 5, c.day, 2);
    *at++ = ' ';
    memcpy(at, months[c.month - 1], 3);
    at[3] = ' ';
    at = clock_put_digits(at + 4, c.year, 4);
    *at++ = ' ';
    at = clock_put_digits(at, c.hour, 2);
    *at++ = ':';
    at = clock_put_digits(at, c.minute, 2);
    *at++ = ':';
    at = clock_put_digits(at, c.second, 2);
    memcpy(at, " GMT", 5);
    at += 4;
    assert(at - out == 29);
    return (int)(at - out);
}

static bool take_spaces(str *s)
{
    str rest = *s;
    while (rest.len && ascii_is_space(rest.p[0])) {
        rest = str_n(rest.p + 1, rest.len - 1);
    }
    bool any = rest.len < s->len;
    *s = rest;
    return any;
}

static str take_word(str *s)
{
    size_t n = 0;
    while (n < s->len && ascii_is_alpha(s->p[n])) {
        n++;
    }
    str word = str_n(s->p, n);
    *s = str_n(s->p + n, s->len - n);
    return word;
}

static bool is_weekday(str word)
{
    for (size_t i = 0; i < 7; i++) {
        str full = str_of(weekdays[i]);
        if (str_eq_nocase(word, full) || str_eq_nocase(word, str_n(full.p, 3))) {
            return true;
        }
    }
    return false;
}

static bool take_month(str *s, int *ret)
{
    str word = take_word(s);
    for (int i = 0; i < 12; i++) {
        if (str_eq_nocase(word, str_n(months[i], 3))) {
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_day(str *s, int *ret)
{
    return clock_take_digits(s, 2, ret) || clock_take_digits(s, 1, ret);
}

/* RFC 9110: a two-digit year more than 50 years ahead is the latest past year with those digits. */
static int full_year(int two_digits)
{
    struct civil now;
    clock_to_civil(clock_wall_us(), &now);
    int year = now.year - now.year % 100 + two_digits;
    return year > now.year + 50 ? year - 100 : year;
}

static bool take_year(str *s, int *ret)
{
    if (clock_take_digits(s, 4, ret)) {
        return true;
    }
    if (!clock_take_digits(s, 2, ret)) {
        return false;
    }
    *ret = full_year(*ret);
    return true;
}

static bool take_time(str *s, struct civil *c)
{
    return clock_take_digits(s, 2, &c->hour) && clock_take_char(s, ':') && clock_take_digits(s, 2, &c->minute) &&
           (!clock_take_char(s, ':') || clock_take_digits(s, 2, &c->second));
}

/* RFC 822's names; a military letter reads as UTC, since RFC 822 got their signs wrong (RFC 5322 section 4.3). */
static bool take_zone(str *s, int *ret_minutes)
{
    static const struct {
        char name[4];
        int hours;
    } zones[] = {{"GMT", 0},  {"UTC", 0},  {"UT", 0},   {"EST", -5}, {"EDT", -4}, {"CST", -6},
                 {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    *ret_minutes = 0;
    bool west = clock_take_char(s, '-');
    if (west || clock_take_char(s, '+')) {
        int hours, minutes;
        if (!clock_take_digits(s, 2, &hours)) {
            return false;
        }
        (void)clock_take_char(s, ':');
        if (!clock_take_digits(s, 2, &minutes) || hours > 23 || minutes > 59) {
            return false;
        }
        *ret_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
        return true;
    }
    str word = take_word(s);
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (str_eq_nocase(word, str_of(zones[i].name))) {
            *ret_minutes = zones[i].hours * 60;
            return true;
        }
    }
    return word.len == 1;
}

/* "06 Nov 1994 08:49:37 GMT" and "06-Nov-94 08:49:37 GMT", without the weekday. */
static bool take_day_first(str *s, struct civil *c)
{
    if (!take_day(s, &c->day)) {
        return false;
    }
    bool dashes = clock_take_char(s, '-');
    if ((!dashes && !take_spaces(s)) || !take_month(s, &c->month) ||
        (dashes ? !clock_take_char(s, '-') : !take_spaces(s)) || !take_year(s, &c->year) || !take_spaces(s) ||
        !take_time(s, c)) {
        return false;
    }
    return !take_spaces(s) || take_zone(s, &c->offset_minutes);
}

/* "Nov  6 08:49:37 1994", asctime without the weekday. */
static bool take_month_first(str *s, struct civil *c)
{
    return take_month(s, &c->month) && take_spaces(s) && take_day(s, &c->day) && take_spaces(s) && take_time(s, c) &&
           take_spaces(s) && clock_take_digits(s, 4, &c->year);
}

bool clock_parse_http(str s, int64_t *ret_us)
{
    struct civil c = {0};
    s = str_trim(s);
    str rest = s, word = take_word(&rest);
    if (word.len) {
        if (!is_weekday(word)) {
            return false;
        }
        (void)clock_take_char(&rest, ',');
        (void)take_spaces(&rest);
    }
    bool day_first = rest.len && ascii_is_digit(rest.p[0]);
    if (!(day_first ? take_day_first(&rest, &c) : take_month_first(&rest, &c))) {
        return false;
    }
    return rest.len == 0 && clock_from_civil(&c, ret_us);
}
