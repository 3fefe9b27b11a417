/* log.h: structured log lines for programs (libraries never log).
 *
 * Text on a terminal ("17:20:00 info scan started domain=example.com"), one JSON object a line otherwise. A line is
 * one write(2), so lines of several threads do not mix. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key;
    enum { LOG_F_STR, LOG_F_INT, LOG_F_DOUBLE, LOG_F_BOOL } type;
    union {
        const char *s;
        int64_t i;
        double d;
        bool b;
    };
};
#define LOG_S(k, v) (&(const struct log_field){.key = (k), .type = LOG_F_STR, .s = (v)})
#define LOG_I(k, v) (&(const struct log_field){.key = (k), .type = LOG_F_INT, .i = (int64_t)(v)})
#define LOG_D(k, v) (&(const struct log_field){.key = (k), .type = LOG_F_DOUBLE, .d = (v)})
#define LOG_B(k, v) (&(const struct log_field){.key = (k), .type = LOG_F_BOOL, .b = (v)})

/* fd -1 means standard error. Call once at program start; before that, level info to standard error. */
void log_setup(int fd, enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

/* log_info("scan started", LOG_S("domain", d), LOG_I("pages", n)); */
void log_write(enum log_level level, const char *event, const struct log_field *const *fields);
#define LOG_AT(level, event, ...)                                                                          \
    (log_enabled(level)                                                                                    \
         ? log_write((level), (event), (const struct log_field *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL}) \
         : (void)0)
#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)

#endif
