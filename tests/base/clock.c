#include "base/clock.h"

#include <time.h>

#include "test.h"

struct sample {
    const char *text;
    int64_t us;
};

#define SECONDS(s) ((int64_t)(s)*1000000)
#define CHECK_ALL(parse, samples)                                                                   \
    for (size_t i_ = 0; i_ < sizeof(samples) / sizeof *(samples); i_++) {                           \
        int64_t us_ = 42;                                                                           \
        ck_assert_msg(parse(str_of((samples)[i_].text), &us_), "refused: %s", (samples)[i_].text);  \
        ck_assert_msg(us_ == (samples)[i_].us, "%s gave %lld", (samples)[i_].text, (long long)us_); \
    }
#define REFUSE_ALL(parse, texts)                                                                    \
    for (size_t i_ = 0; i_ < sizeof(texts) / sizeof *(texts); i_++) {                               \
        int64_t us_ = 42;                                                                           \
        ck_assert_msg(!parse(str_of((texts)[i_]), &us_) && us_ == 42, "accepted: %s", (texts)[i_]); \
    }

START_TEST(the_wall_clock_agrees_with_time_and_the_other_never_steps_back)
{
    ck_assert_int_le(llabs(clock_wall_us() / 1000000 - (int64_t)time(NULL)), 1);
    int64_t last = clock_mono_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ns();
        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

START_TEST(rfc_3339_is_written_in_utc_and_clamped)
{
    const struct sample samples[] = {{"1970-01-01T00:00:00Z", 0},
                                     {"1969-12-31T23:59:59.999999Z", -1},
                                     {"2026-11-22T17:20:00.123456Z", 1795368000123456},
                                     {"2000-02-29T12:00:00.000100Z", SECONDS(951825600) + 100},
                                     {"0000-01-01T00:00:00Z", INT64_MIN},
                                     {"9999-12-31T23:59:59.999999Z", INT64_MAX}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char out[CLOCK_TEXT_MAX];
        int n = clock_format_rfc3339(samples[i].us, out);
        ck_assert_str_eq(out, samples[i].text);
        ck_assert_uint_eq((size_t)n, strlen(out));
    }
}
END_TEST

START_TEST(every_day_of_800_years_goes_there_and_back)
{
    for (int64_t day = -140000; day < 152000; day++) {
        int64_t us = day * SECONDS(86400) + 86399999999, iso = 0, http = 0;
        char text[CLOCK_TEXT_MAX];
        int n = clock_format_rfc3339(us, text);
        bool read = clock_parse_rfc3339(str_n(text, (size_t)n), &iso);
        n = clock_format_http(us, text);
        read = read && clock_parse_http(str_n(text, (size_t)n), &http);
        if (!read || iso != us || http != us - 999999) { /* an assertion each time would cost a second */
            ck_abort_msg("day %d: %s", (int)day, text);
        }
    }
}
END_TEST

START_TEST(rfc_3339_is_read_to_the_letter)
{
    const struct sample good[] = {{"1985-04-12T23:20:50.52Z", 482196050520000},
                                  {"1996-12-19t16:39:57-08:00", SECONDS(851042397)},
                                  {"1996-12-19 16:39:57-08:00", SECONDS(851042397)},
                                  {"1990-12-31T23:59:60Z", SECONDS(662687999) + 999999},
                                  {"1990-12-31T15:59:60-08:00", SECONDS(662687999) + 999999},
                                  {"1937-01-01T12:00:27.87+00:20", -1041337172130000},
                                  {"1970-01-01T00:00:00.1234567z", 123456},
                                  {"1970-01-01T00:00:00-00:00", 0}};
    CHECK_ALL(clock_parse_rfc3339, good);
    const char *bad[] = {"",
                         "1985-04-12",
                         "1985-04-12T23:20Z",
                         "1985-04-12T23:20:50",
                         "1985-04-12T23:20:50.Z",
                         "1985-04-12T24:00:00Z",
                         "1985-04-12T23:60:00Z",
                         "1985-04-12T23:20:60Z",
                         "1985-02-29T00:00:00Z",
                         "1900-02-29T00:00:00Z",
                         "1985-00-12T00:00:00Z",
                         "1985-13-12T00:00:00Z",
                         "1985-04-31T00:00:00Z",
                         "1985-04-00T00:00:00Z",
                         "1985-04-12T23:20:50+0000",
                         "1985-04-12T23:20:50+24:00",
                         "1985-04-12T23:20:50+00:60",
                         "1985-04-12T23:20:50Z ",
                         " 1985-04-12T23:20:50Z",
                         "85-04-12T23:20:50Z",
                         "+985-04-12T23:20:50Z"};
    REFUSE_ALL(clock_parse_rfc3339, bad);
}
END_TEST

START_TEST(w3c_dates_are_read_as_sites_write_them)
{
    const struct sample good[] = {{"1997", SECONDS(852076800)},
                                  {"1997-07", SECONDS(867715200)},
                                  {" 1997-07-16\n", SECONDS(869011200)},
                                  {"1997-07-16T19:20+01:00", SECONDS(869077200)},
                                  {"1997-07-16T19:20:30.45+01:00", SECONDS(869077230) + 450000},
                                  {"1997-07-16T19:20:30", SECONDS(869080830)},
                                  {"1997-07-16 19:20:30+0100", SECONDS(869077230)},
                                  {"1997-07-16 19:20:30 -0100", SECONDS(869084430)},
                                  {"1997-07-16T19:20:30+01", SECONDS(869077230)},
                                  {"1997-07-16 19:20:30 UTC", SECONDS(869080830)},
                                  {"1997-07-16t19:20z", SECONDS(869080800)}};
    CHECK_ALL(clock_parse_w3c, good);
    const char *bad[] = {"",           "97",         "1997-",           "1997-7-1",          "1997-13",
                         "1997-07-32", "1997/07/16", "1997-07-16T",     "1997-07-16T19",     "1997-07-16T19:20:30.",
                         "19970716",   "yesterday",  "1997-07-16T1:20", "1997-07-16 noon",   "1997-07-16T19:20:30+1",
                         "0000-00-00", "1997T10:00", "1997-07-16x",     "1997-07-16T19:20Zx"};
    REFUSE_ALL(clock_parse_w3c, bad);
}
END_TEST

START_TEST(http_dates_are_read_in_all_their_forms)
{
    const struct sample good[] = {{"Sun, 06 Nov 1994 08:49:37 GMT", SECONDS(784111777)},
                                  {"Sunday, 06-Nov-94 08:49:37 GMT", SECONDS(784111777)},
                                  {"Sun Nov  6 08:49:37 1994", SECONDS(784111777)},
                                  {" sun, 6 nov 1994 08:49:37 gmt ", SECONDS(784111777)},
                                  {"06 Nov 1994 08:49 UT", SECONDS(784111740)},
                                  {"Sun, 06 Nov 1994 03:49:37 EST", SECONDS(784111777)},
                                  {"Sun, 06 Nov 1994 08:49:37 +0000", SECONDS(784111777)},
                                  {"Sun, 06 Nov 1994 10:19:37 +01:30", SECONDS(784111777)},
                                  {"Sun, 06 Nov 1994 00:49:37 -0800", SECONDS(784111777)},
                                  {"Sun, 06 Nov 1994 08:49:37", SECONDS(784111777)}};
    CHECK_ALL(clock_parse_http, good);
    const char *bad[] = {"",
                         "0",
                         "-1",
                         "never",
                         "Sum, 06 Nov 1994 08:49:37 GMT",
                         "Sun, 31 Nov 1994 08:49:37 GMT",
                         "Sun, 06 Nov 1994 08:49:61 GMT",
                         "Sun, 06 Nov 1994 8:49:37 GMT",
                         "Sun, 06 Nov 994 08:49:37 GMT",
                         "Sun, 06 Foo 1994 08:49:37 GMT",
                         "Sun, 06 Nov 1994 08:49:37 XYZ",
                         "Sun, 06 Nov 1994 08:49:37 +9900",
                         "Sun, 06 Nov 1994 08:49:37 GMT GMT",
                         "Sun, 06 Nov 1994",
                         "Sun Nov  6 08:49:37 94",
                         "Sun Nov  6 08:49:37 1994 GMT"};
    REFUSE_ALL(clock_parse_http, bad);
}
END_TEST

START_TEST(two_digit_years_lie_at_most_fifty_years_ahead)
{
    char text[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX];
    (void)clock_format_rfc3339(clock_wall_us(), now);
    int year = (int)strtol(now, NULL, 10);
    for (int ahead = -49; ahead <= 50; ahead++) {
        int64_t got, want;
        (void)snprintf(text, sizeof text, "01-Jun-%02d 00:00:00 GMT", (year + ahead) % 100);
        ck_assert(clock_parse_http(str_of(text), &got));
        (void)snprintf(text, sizeof text, "%04d-06-01", year + ahead);
        ck_assert(clock_parse_w3c(str_of(text), &want));
        ck_assert_int_eq(got, want);
    }
}
END_TEST

RUN("clock", 30, CASE(the_wall_clock_agrees_with_time_and_the_other_never_steps_back),
    CASE(rfc_3339_is_written_in_utc_and_clamped), CASE(every_day_of_800_years_goes_there_and_back),
    CASE(rfc_3339_is_read_to_the_letter), CASE(w3c_dates_are_read_as_sites_write_them),
    CASE(http_dates_are_read_in_all_their_forms), CASE(two_digit_years_lie_at_most_fifty_years_ahead));
