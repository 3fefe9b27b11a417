#include "base/diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct diag thread_diag;
static _Thread_local struct diag *current;

struct diag *diag_last(void)
{
    return current ? current : &thread_diag;
}

struct diag *diag_swap(struct diag *slot)
{
    struct diag *old = current;
    current = slot;
    return old;
}

int diag_set_at(int code, const char *file, int line, const char *fmt, ...)
{
    assert(code < 0);
    struct diag *d = diag_last();
    char message[sizeof d->message]; /* fmt's arguments may point into the old diagnosis */
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    memset(d, 0, sizeof *d);
    d->code = code;
    d->file = file;
    d->line = line;
    memcpy(d->message, message, sizeof message);
    return code;
}

void diag_hint(const char *fmt, ...)
{
    struct diag *d = diag_last();
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(d->hint, sizeof d->hint, fmt, ap);
    va_end(ap);
}

int diag_wrap(int code, const char *fmt, ...)
{
    struct diag *d = diag_last();
    char old[sizeof d->message];
    memcpy(old, d->message, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(d->message, sizeof d->message, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof d->message) {
        (void)snprintf(d->message + n, sizeof d->message - (size_t)n, ": %s", old);
    }
    d->code = code;
    return code;
}

void diag_clear(void)
{
    memset(diag_last(), 0, sizeof(struct diag));
}
