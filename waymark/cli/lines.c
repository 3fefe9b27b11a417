#include "waymark/cli/lines.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"

int lines_init(struct lines *l, int fd)
{
    *l = (struct lines){.fd = fd, .p = mem_alloc(LINES_MAX + 1)};
    return l->p ? 0 : -ENOMEM;
}

void lines_release(struct lines *l)
{
    mem_free(l->p);
    l->p = NULL;
}

/* Moves what is left to the front and reads behind it. */
static int fill(struct lines *l)
{
    if (l->from) {
        memmove(l->p, l->p + l->from, l->till - l->from);
        l->till -= l->from;
        l->from = 0;
    }
    assert(l->till <= LINES_MAX);
    ssize_t n;
    do {
        n = read(l->fd, l->p + l->till, LINES_MAX + 1 - l->till);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    l->ended = n == 0;
    l->till += (size_t)n;
    return 0;
}

int lines_next(struct lines *l, str *ret_line, bool *ret_too_long)
{
    for (;;) {
        str left = str_n(l->p + l->from, l->till - l->from);
        ptrdiff_t end = str_find_char(left, '\n');
        bool full = left.len > LINES_MAX;
        if (end < 0 && !l->ended && !full) {
            int rc = fill(l);
            if (rc) {
                return rc;
            }
            continue;
        }
        if (end < 0 && left.len == 0) {
            return 0;
        }
        left.len = end < 0 ? left.len : (size_t)end;
        l->from += left.len + (end >= 0);
        bool give = !l->skipping;
        l->skipping = end < 0 && full;
        if (give) {
            *ret_line = left;
            *ret_too_long = l->skipping;
            return 1;
        }
    }
}
