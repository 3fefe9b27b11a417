#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

/* FNV-1a: stable over programs and machines, since names outlive both. */
static uint32_t hash32(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++) {
        h = (h ^ (uint8_t)*s) * 16777619u;
    }
    return h;
}

size_t migrate_key_len(const char *const columns[static ST_KEY_MAX])
{
    size_t n = 0;
    while (n < ST_KEY_MAX && columns[n]) {
        n++;
    }
    return n;
}

bool migrate_same_set(const char *const x[static ST_KEY_MAX], const char *const y[static ST_KEY_MAX])
{
    size_t n = migrate_key_len(x), found = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < migrate_key_len(y); k++) {
            found += strcmp(x[i], y[k]) == 0;
        }
    }
    return found == n && n == migrate_key_len(y);
}

const char *migrate_name(arena *a, const char *table, const char *const *columns, const char *skip, const char *suffix)
{
    buf b BUF_AUTO;
    buf_init(&b, 4096);
    buf_puts(&b, table);
    for (size_t i = 0; columns && i < ST_KEY_MAX && columns[i]; i++) {
        const char *c = columns[i] + (columns[i][0] == '-');
        if (!skip || strcmp(c, skip) != 0) {
            buf_put_char(&b, '_');
            buf_puts(&b, c);
        }
    }
    if (b.err) {
        return arena_fail(a);
    }
    size_t tail = strlen(suffix) + 1;
    assert(tail + 9 < ST_NAME_MAX);
    if (b.len + tail <= ST_NAME_MAX) {
        return arena_printf(a, "%s_%s", b.p, suffix);
    }
    uint32_t h = hash32(b.p);
    size_t keep = ST_NAME_MAX - tail - 9;
    while (keep > 0 && ((uint8_t)b.p[keep] & 0xc0) == 0x80) { /* not within a character */
        keep--;
    }
    return arena_printf(a, "%.*s_%08x_%s", (int)keep, b.p, (unsigned)h, suffix);
}

bool migrate_name_ok(const char *name)
{
    return name && name[0] && strlen(name) <= ST_NAME_MAX;
}

st_err migrate_grow(arena *a, void *items, size_t n, size_t *room, size_t size)
{
    assert(n <= *room);
    if (n < *room) {
        return 0;
    }
    size_t more = *room ? *room * 2 : 8;
    void *old, *new = arena_zalloc(a, more, size);
    if (!new) {
        return diag_nomem();
    }
    memcpy(&old, items, sizeof old);
    if (n) {
        memcpy(new, old, n * size);
    }
    memcpy(items, &new, sizeof new);
    *room = more;
    return 0;
}

int migrate_take_row(void *arg, void *obj)
{
    struct migrate_rows *k = arg;
    char *items;
    st_err rc = migrate_grow(k->a, k->items, *k->n, k->room, k->size);
    if (rc) {
        return rc;
    }
    memcpy(&items, k->items, sizeof items);
    memcpy(items + (*k->n)++ * k->size, obj, k->size);
    return 1;
}

int migrate_by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

const char *migrate_text(arena *a, buf *b)
{
    const char *s = b->err ? arena_fail(a) : arena_memdup0(a, b->p, b->len);
    buf_clear(b);
    return s;
}
