#include "waymark/cli/term.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { COLUMNS_MAX = 16, TABLE_MAX = 64 << 20, GAP = 2 };

struct term_table {
    buf text; /* cells, each NUL-terminated, row by row */
    size_t columns, cells;
    size_t width[COLUMNS_MAX];
    bool right[COLUMNS_MAX];
};

int term_table_new(size_t columns, term_table **ret)
{
    assert(columns > 0 && columns <= COLUMNS_MAX);
    term_table *t = mem_zalloc(1, sizeof *t);
    if (!t) {
        return -ENOMEM;
    }
    buf_init(&t->text, TABLE_MAX);
    t->columns = columns;
    *ret = t;
    return 0;
}

void term_table_free(term_table *t)
{
    if (t) {
        buf_release(&t->text);
        mem_free(t);
    }
}

/* Columns a UTF-8 text takes, wide characters not considered. */
static size_t columns_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

void term_table_cell(term_table *t, str text)
{
    size_t start = t->text.len, column = t->cells++ % t->columns;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_put_char(&t->text, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
    buf_put(&t->text, "", 1);
    if (!t->text.err) {
        size_t w = columns_of(t->text.p + start);
        t->width[column] = w > t->width[column] ? w : t->width[column];
    }
}

void term_table_cellf(term_table *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    term_table_cell(t, str_n(text, n < 0 ? 0 : n < (int)sizeof text ? (size_t)n : sizeof text - 1));
}

void term_table_head(term_table *t, const char *const *titles)
{
    for (size_t i = 0; i < t->columns; i++) {
        assert(titles[i]);
        t->right[i] = titles[i][0] == '>';
        term_table_cell(t, str_of(titles[i] + t->right[i]));
    }
}

static void spaces(FILE *out, size_t n)
{
    (void)fprintf(out, "%*s", (int)(n < 4096 ? n : 4096), "");
}

int term_table_print(term_table *t, FILE *out)
{
    if (t->text.err) {
        return t->text.err;
    }
    const char *at = t->text.p;
    for (size_t i = 0; i < t->cells; i++) {
        size_t column = i % t->columns;
        bool last = column == t->columns - 1;
        size_t pad = t->width[column] - columns_of(at);
        if (t->right[column]) {
            spaces(out, pad);
        }
        (void)fputs(at, out);
        if (!last) {
            spaces(out, (t->right[column] ? 0 : pad) + GAP);
        } else {
            (void)fputc('\n', out);
        }
        at += strlen(at) + 1;
    }
    return 0;
}

void term_progress_init(struct term_progress *p, FILE *out)
{
    *p = (struct term_progress){.out = out, .on = isatty(fileno(out)) == 1, .last_ns = INT64_MIN};
}

static size_t terminal_width(FILE *out)
{
    struct winsize w = {0};
    return ioctl(fileno(out), TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

void term_progress_show(struct term_progress *p, double fraction, const char *text)
{
    int64_t now = clock_mono_ns();
    if (!p->on || (p->last_ns != INT64_MIN && now - p->last_ns < 100000000)) {
        return;
    }
    p->last_ns = now;
    enum { BAR = 24 };
    size_t room = terminal_width(p->out) - 1;
    (void)fputs("\r\033[K", p->out);
    if (fraction >= 0 && room > BAR + 10) {
        int full = (int)(fraction * BAR + 0.5);
        full = full > BAR ? BAR : full;
        (void)fputc('[', p->out);
        for (int i = 0; i < BAR; i++) {
            (void)fputc(i < full ? '#' : '.', p->out);
        }
        (void)fputs("] ", p->out);
        room -= BAR + 3;
    }
    for (size_t column = 0; *text; text++) {
        column += ((unsigned char)*text & 0xc0) != 0x80;
        if (column > room) {
            break;
        }
        (void)fputc((unsigned char)*text < 0x20 ? '?' : *text, p->out);
    }
    (void)fflush(p->out);
}

void term_progress_clear(struct term_progress *p)
{
    if (p->on && p->last_ns != INT64_MIN) {
        (void)fputs("\r\033[K", p->out);
        (void)fflush(p->out);
    }
}

const char *term_count(uint64_t n, char out[static 32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *term_bytes(uint64_t n, char out[static 32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)n;
    size_t u = 0;
    while (v >= 1024 && u < 4) {
        v /= 1024;
        u++;
    }
    (void)snprintf(out, 32, u ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}

const char *term_duration(int64_t ns, char out[static 32])
{
    double s = (double)ns / 1e9;
    if (s < 1) {
        (void)snprintf(out, 32, "%.0f ms", s * 1e3);
    } else if (s < 60) {
        (void)snprintf(out, 32, "%.1f s", s);
    } else {
        (void)snprintf(out, 32, "%lld min %lld s", (long long)(s / 60), (long long)s % 60);
    }
    return out;
}
