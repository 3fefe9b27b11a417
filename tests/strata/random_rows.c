/* A row for each table of a set. */
#include "base/buf.h"
#include "random_models.h"

bool spec_keeps(const struct spec_column *x, const struct spec_column *y)
{
    return x->name && y->name && !x->generated && !y->generated &&
           (x->type == y->type || (spec_is_value(x->type) && spec_is_value(y->type))) && x->small == y->small &&
           x->decimal == y->decimal;
}

static const char *value(enum st_dialect d, const struct spec_column *c)
{
    static const char *const values[ST_TYPE_MAX][2] = {
        [ST_BOOL] = {"1", "true"},
        [ST_INT16] = {"7", "7"},
        [ST_INT32] = {"7", "7"},
        [ST_INT64] = {"7", "7"},
        [ST_DOUBLE] = {"7", "7"},
        [ST_TEXT] = {"'7'", "'7'"},
        [ST_UUID] = {"x'00000000000070008000000000000007'", "'00000000-0000-7000-8000-000000000007'"},
        [ST_TIME] = {"0", "'epoch'"},
        [ST_BYTES] = {"x'00ff'", "'\\x00ff'"},
        [ST_JSON] = {"'{\"k\": [1]}'", "'{\"k\": [1]}'"},
        [ST_TEXTS] = {"'[\"x\"]'", "'{x}'"},
        [ST_UUIDS] = {"'[]'", "'{}'"},
        [ST_ENUM] = {"'7'", "'7'"}};
    return c->small ? "0" : values[c->type][d == ST_POSTGRESQL];
}

static bool same_table(const struct spec *s, const struct spec *next, const struct spec_table *x)
{
    const struct spec_table *y = &next->tables[x - s->tables];
    return y->name && (y->was ? y->was : y->name) == x->name && y->tenant == x->tenant;
}

/* A row points at its parent when the key stays, or goes: one that comes anew might not hold. */
static bool may_point(const struct spec *s, const struct spec *next, const struct spec_table *t, bool wide)
{
    const struct spec_table *p = spec_parent(s, t, wide);
    if (!p || !same_table(s, next, t) || !same_table(s, next, p)) {
        return false;
    }
    const struct spec_table *q = spec_parent(next, &next->tables[t - s->tables], wide);
    return !q || q - next->tables == p - s->tables;
}

static void put_row(arena *a, buf *b, const struct spec_table *t, enum st_dialect d, const char *id)
{
    buf names BUF_AUTO, values BUF_AUTO;
    buf_init(&names, 1 << 20);
    buf_init(&values, 1 << 20);
    buf_puts(&names, t->tenant ? "tenant_id, id" : "id");
    if (t->tenant) {
        buf_printf(&values, "%s, %s", id, id);
    } else {
        buf_puts(&values, t->numbered ? "1" : id);
    }
    if (t->wide_key) {
        buf_puts(&names, ", part");
        buf_printf(&values, ", %s", id);
    }
    for (unsigned k = 0; k < SPEC_COLUMNS; k++) {
        const struct spec_column *c = &t->columns[k];
        if (c->name && !c->generated) {
            buf_printf(&names, ", %s", spec_quoted(a, spec_column_name(a, c)));
            buf_printf(&values, ", %s", value(d, c));
        }
    }
    buf_printf(b, "INSERT INTO %s (%s) VALUES (%s);\n", spec_quoted(a, spec_table_name(a, t->name)), names.p, values.p);
}

const char *spec_rows(arena *a, const struct spec *s, const struct spec *next, enum st_dialect d)
{
    static const char *const ids[] = {"x'00000000000070008000000000000001'", "'00000000-0000-7000-8000-000000000001'"};
    const char *id = ids[d == ST_POSTGRESQL];
    buf b BUF_AUTO;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        if (s->tables[i].name) {
            put_row(a, &b, &s->tables[i], d, id);
        }
    }
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        const struct spec_table *t = &s->tables[i];
        const char *name = spec_quoted(a, spec_table_name(a, t->name));
        if (t->name && may_point(s, next, t, false)) {
            buf_printf(&b, "UPDATE %s SET parent_id = %s;\n", name, id);
        }
        if (t->name && may_point(s, next, t, true)) {
            buf_printf(&b, "UPDATE %s SET wide_id = %s, wide_part = %s;\n", name, id, id);
        }
    }
    return arena_memdup0(a, b.p, b.len);
}
