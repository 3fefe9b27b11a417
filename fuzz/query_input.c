/* What strangers hand to queries: cursors of pages; and raw SQL, whose placeholders are rewritten. */
#include <string.h>

#include "strata/define.h"
#include "strata/query/cursor.h"
#include "strata/query/raw.h"

typedef struct Item {
    st_uuid id;
    const char *name;
    st_opt_int32 rank;
    bool open;
} Item;

#define T Item
ST_MODEL(Item, "items", COL(id, .pk = true), COL(name), COL(rank), COL(open));
#undef T

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct st_order order[] = {ST_ASC(Item, name), ST_DESC(Item, rank), ST_ASC(Item, open),
                                            ST_ASC(Item, id)};
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    st_mapper *m;
    char *text = a ? arena_memdup0(a, data, size) : NULL;
    if (!text || st_mapper_new(a, &Item_model, &m) != 0) {
        return 0;
    }
    str sql;
    (void)st_raw_prepare(a, ST_SQLITE, text, size % 3, &sql);
    (void)st_raw_reads(text);

    const struct st_place place = {.m = m, .order = order, .n = 4};
    st_value *values;
    const st_expr *after;
    const char *cursor;
    if (st_cursor_read(&place, text, a, &values) == 0 && st_cursor_after(&place, values, a, &after) != 0) {
        __builtin_trap();
    }
    /* A place written is the place read. */
    const Item item = {.name = strlen(text) < 1000 && str_is_utf8(str_of(text)) ? text : "x",
                       .rank = {(int32_t)size, size % 2 != 0}};
    if (st_cursor_write(&place, &item, a, &cursor) != 0 || st_cursor_read(&place, cursor, a, &values) != 0 ||
        values[0].text.len != strlen(item.name) || values[1].null == item.rank.set) {
        __builtin_trap();
    }
    return 0;
}
