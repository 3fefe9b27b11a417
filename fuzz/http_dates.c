/* A date that is read is written in a form that reads back as the same point in time: HTTP-date, RFC 3339, and the
 * W3C dates of sitemaps. */
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int64_t us, int (*format)(int64_t, char *), bool (*parse)(str, int64_t *), int64_t unit)
{
    char text[CLOCK_TEXT_MAX];
    int64_t back, want = us >= 0 ? us - us % unit : us - ((us % unit) + unit) % unit;
    int n = format(us, text);
    if (n <= 0 || n >= CLOCK_TEXT_MAX || !parse(str_n(text, (size_t)n), &back)) {
        abort();
    }
    /* A zone may move a date out of the years 0..9999, where writing clamps. */
    static const int64_t first = -62167219200000000, last = 253402300799999999;
    if (us >= first && us <= last && back != want) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str s = str_n((const char *)data, size);
    int64_t us;
    if (clock_parse_http(s, &us)) {
        check(us, clock_format_http, clock_parse_http, 1000000);
    }
    if (clock_parse_rfc3339(s, &us)) {
        int64_t w3c;
        check(us, clock_format_rfc3339, clock_parse_rfc3339, 1);
        if (!clock_parse_w3c(s, &w3c) || w3c != us) {
            abort();
        }
    }
    if (clock_parse_w3c(s, &us)) {
        check(us, clock_format_rfc3339, clock_parse_w3c, 1);
    }
    return 0;
}
