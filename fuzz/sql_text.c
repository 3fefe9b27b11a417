/* Conditions as databases print them: their tokens, their one form, and what they say of a column. */
#include <stdlib.h>
#include <string.h>

#include "strata/migrate/seen.h"
#include "strata/migrate/sql_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sql_rename renames[] = {{"b", "c"}, {"x", "New Name"}};
    static const enum st_type types[] = {ST_TEXT, ST_INT64, ST_BYTES, ST_DOUBLE, ST_INT16, ST_TEXTS};
    arena *a = arena_new(NULL, 0);
    const char *sql = a ? arena_memdup0(a, data, size) : NULL;
    if (!sql) {
        abort();
    }
    const char *once = sql_canon(a, sql, NULL, 0);
    const char *twice = once ? sql_canon(a, once, NULL, 0) : NULL;
    if (!once || !twice || strlen(once) > 3 * size + 1) {
        abort();
    }
    if (!sql_canon(a, sql, renames, 2)) {
        abort();
    }
    str bare = sql_unwrap(str_of(sql));
    if (bare.len > strlen(sql) || (bare.len && (bare.p < sql || bare.p + bare.len > sql + strlen(sql)))) {
        abort();
    }
    (void)sql_mentions(sql, "b");
    for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            struct seen_column c = {.c = {.name = "b", .type = types[i]}, .default_text = sql};
            bool taken;
            if (seen_take_check(a, d, &c, sql, "t_b_check", false, &taken) || seen_take_default(a, d, &c)) {
                abort();
            }
            if (taken && c.c.type == ST_ENUM && !c.c.values) {
                abort();
            }
        }
    }
    arena_free(a);
    return 0;
}
