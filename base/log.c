#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

/* Written by log_setup before the threads start; atomic so that a late call is merely late. */
static atomic_int target_fd = STDERR_FILENO;
static atomic_int lowest = LOG_INFO;
static atomic_bool as_text;
static atomic_bool decided;

static const char level_names[][6] = {"debug", "info", "warn", "error"};

void log_setup(int fd, enum log_level level, enum log_format format)
{
    assert(level >= LOG_DEBUG && level <= LOG_ERROR);
    int to = fd < 0 ? STDERR_FILENO : fd;
    atomic_store(&target_fd, to);
    atomic_store(&lowest, (int)level);
    atomic_store(&as_text, format == LOG_TEXT || (format == LOG_AUTO && isatty(to)));
    atomic_store(&decided, true);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed);
}

/* Bare when it is one plain word; otherwise quoted, and nothing in it can steer the terminal. */
static void put_text_value(buf *b, str s)
{
    bool bare = s.len > 0;
    for (size_t i = 0; i < s.len && bare; i++) {
        bare = s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '"' && s.p[i] != '=' && s.p[i] != '\\';
    }
    if (bare) {
        (void)buf_put_str(b, s);
        return;
    }
    (void)buf_put_char(b, '"');
    while (s.len) {
        bool valid;
        size_t n = str_utf8_next(s, &valid);
        uint8_t c = (uint8_t)s.p[0];
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && valid && (uint8_t)s.p[1] < 0xa0);
        if (!valid || control) {
            (void)buf_put_char(b, '?');
        } else {
            if (c == '"' || c == '\\') {
                (void)buf_put_char(b, '\\');
            }
            (void)buf_put(b, s.p, n);
        }
        s = str_n(s.p + n, s.len - n);
    }
    (void)buf_put_char(b, '"');
}

static void put_text_field(buf *b, const struct log_field *f)
{
    (void)buf_put_char(b, ' ');
    (void)buf_puts(b, f->key);
    (void)buf_put_char(b, '=');
    switch (f->type) {
    case LOG_F_STR:
        put_text_value(b, str_of(f->s));
        break;
    case LOG_F_INT:
        (void)buf_put_i64(b, f->i);
        break;
    case LOG_F_DOUBLE:
        (void)buf_printf(b, "%g", f->d);
        break;
    case LOG_F_BOOL:
        (void)buf_puts(b, f->b ? "true" : "false");
        break;
    }
}

static void put_text(buf *b, enum log_level level, const char *event, const struct log_field *const *fields)
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm tm;
    if (localtime_r(&now, &tm)) {
        (void)buf_printf(b, "%02d:%02d:%02d ", tm.tm_hour, tm.tm_min, tm.tm_sec);
    }
    (void)buf_puts(b, level_names[level]);
    (void)buf_put_char(b, ' ');
    (void)buf_puts(b, event);
    for (; *fields; fields++) {
        put_text_field(b, *fields);
    }
}

static void put_json_field(struct json_writer *w, const struct log_field *f)
{
    json_key(w, f->key);
    switch (f->type) {
    case LOG_F_STR:
        json_cstring(w, f->s);
        break;
    case LOG_F_INT:
        json_int(w, f->i);
        break;
    case LOG_F_DOUBLE:
        json_double(w, f->d);
        break;
    case LOG_F_BOOL:
        json_bool(w, f->b);
        break;
    }
}

static void put_json(buf *b, enum log_level level, const char *event, const struct log_field *const *fields)
{
    struct json_writer w;
    char now[CLOCK_TEXT_MAX];
    (void)clock_format_rfc3339(clock_wall_us(), now);
    json_start(&w, b);
    json_object(&w);
    json_key(&w, "time");
    json_cstring(&w, now);
    json_key(&w, "level");
    json_cstring(&w, level_names[level]);
    json_key(&w, "event");
    json_cstring(&w, event);
    for (; *fields; fields++) {
        put_json_field(&w, *fields);
    }
    json_end(&w);
}

/* A log that cannot be written has nowhere to say so. */
static void put_line(str line)
{
    int fd = atomic_load(&target_fd);
    while (line.len) {
        ssize_t n = write(fd, line.p, line.len);
        if (n < 0 && errno != EINTR) {
            return;
        }
        if (n > 0) {
            line = str_n(line.p + n, line.len - (size_t)n);
        }
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *const *fields)
{
    assert(event && fields && level >= LOG_DEBUG && level <= LOG_ERROR);
    if (!log_enabled(level)) {
        return;
    }
    int saved_errno = errno;
    if (!atomic_load(&decided)) {
        log_setup(-1, (enum log_level)atomic_load(&lowest), LOG_AUTO);
    }
    bool text = atomic_load(&as_text);
    BUF_AUTO buf b;
    buf_init(&b, LINE_MAX_BYTES);
    (text ? put_text : put_json)(&b, level, event, fields);
    (void)buf_put_char(&b, '\n');
    if (b.err == 0) {
        put_line(buf_str(&b));
    } else {
        put_line(text ? STR("error log line lost: too long or out of memory\n")
                      : STR("{\"level\":\"error\",\"event\":\"log line lost: too long or out of memory\"}\n"));
    }
    errno = saved_errno;
}
