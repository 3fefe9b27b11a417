#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"
#include "bench.h"
#include "peers.h"

static int uuids(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uuid u = uuid_v7();
        bench_use(&u);
    }
    return 0;
}

/* As libuuid and most others do it: the kernel asked for each one. */
static int uuids_from_kernel(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uuid u;
        int64_t ms = clock_wall_us() / 1000;
        if (getrandom(u.b, sizeof u.b, 0) != sizeof u.b) {
            return -EIO;
        }
        for (int j = 0; j < 6; j++) {
            u.b[j] = (uint8_t)(ms >> (40 - 8 * j));
        }
        u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x70);
        u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
        bench_use(&u);
    }
    return 0;
}

static const struct bench_row row = {42, "https://www.example.com/blog/2026/11/a-longer-path-as-they-are",
                                     "What a \"title\" looks like", 0.8, true};

enum { ROWS = 100 };

static void put_row(struct json_writer *w, const struct bench_row *r)
{
    json_object(w);
    json_key(w, "id");
    json_int(w, r->id);
    json_key(w, "url");
    json_cstring(w, r->url);
    json_key(w, "title");
    json_cstring(w, r->title);
    json_key(w, "priority");
    json_double(w, r->priority);
    json_key(w, "seen");
    json_bool(w, r->seen);
    json_end(w);
}

static int put_rows(buf *b)
{
    struct json_writer w;
    json_start(&w, b);
    json_array(&w);
    for (int i = 0; i < ROWS; i++) {
        put_row(&w, &row);
    }
    json_end(&w);
    return b->err;
}

static int write_rows(uint64_t n)
{
    for (uint64_t i = 0; i < n; i += ROWS) {
        BUF_AUTO buf b;
        buf_init(&b, 1 << 20);
        int r = put_rows(&b);
        bench_use(b.p);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int jansson_write(uint64_t n)
{
    struct bench_row rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = row;
    }
    for (uint64_t i = 0; i < n; i += ROWS) {
        int r = jansson_write_rows(rows, ROWS);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int read_rows(uint64_t n)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 20);
    int r = put_rows(&b);
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    for (uint64_t i = 0; i < n && r == 0; i += ROWS) {
        const struct json_value *v;
        r = a ? json_parse(a, buf_str(&b), &v, NULL) : -ENOMEM;
        arena_reset(a);
    }
    return r;
}

static int jansson_reads(uint64_t n)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 20);
    int r = put_rows(&b);
    for (uint64_t i = 0; i < n && r == 0; i += ROWS) {
        r = jansson_read(b.p, b.len);
    }
    return r;
}

static const char lastmod[] = "2026-11-22T17:20:00+01:00";

static int dates(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        int64_t us;
        if (!clock_parse_w3c(str_n(lastmod, sizeof lastmod - 1), &us)) {
            return -EINVAL;
        }
        bench_use(&us);
    }
    return 0;
}

static int dates_by_libc(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct tm tm = {0};
        if (!strptime(lastmod, "%Y-%m-%dT%H:%M:%S%z", &tm)) {
            return -EINVAL;
        }
        long offset = tm.tm_gmtoff;
        time_t t = timegm(&tm) - offset;
        bench_use(&t);
    }
    return 0;
}

#define SIDE(name, how, fn)  \
    static double name(void) \
    {                        \
        return how(fn);      \
    }                        \
    extern int semicolon_required
SIDE(uuid_ours, bench_ns, uuids);
SIDE(uuid_theirs, bench_ns, uuids_from_kernel);
SIDE(write_ours, bench_rate, write_rows);
SIDE(write_theirs, bench_rate, jansson_write);
SIDE(read_ours, bench_rate, read_rows);
SIDE(read_theirs, bench_rate, jansson_reads);
SIDE(date_ours, bench_ns, dates);
SIDE(date_theirs, bench_ns, dates_by_libc);

extern const struct bench_case base_cases[];
const struct bench_case base_cases[] = {
    {"uuid_v7", "ns/op", "one identifier; theirs asks getrandom(2) for each", uuid_ours, uuid_theirs, false, 0},
    {"json_write", "rows/s", "objects of five members to text; theirs: jansson, built and dumped", write_ours,
     write_theirs, false, 0},
    {"json_parse", "rows/s", "the same text to values; theirs: jansson alone, which ours bounds and copies", read_ours,
     read_theirs, false, 0},
    {"w3c_date", "ns/op", "a lastmod with zone to microseconds; theirs: strptime and timegm", date_ours, date_theirs,
     false, 0},
    {NULL, NULL, NULL, NULL, NULL, false, 0},
};
