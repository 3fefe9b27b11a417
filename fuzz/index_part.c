/* What an index says of a column: the one form of it says the same again, and the text of an index is read to its end.
 */
#include <stdlib.h>
#include <string.h>

#include "strata/migrate/index_part.h"
#include "strata/migrate/reflect_sqlite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_words(arena *a, str text, enum st_dialect by)
{
    struct index_part p, again;
    if (!index_part_read(text, by, &p) || by == ST_SQLITE) { /* whose collations go by other names here */
        return;
    }
    const char *once = index_part_write(a, &p);
    must(once && index_part_read(str_of(once), (enum st_dialect)0, &again));
    const char *twice = index_part_write(a, &again);
    must(twice && strcmp(once, twice) == 0 && p.nulls == again.nulls && !again.descends);
}

static void check_index(arena *a, const char *text)
{
    static struct seen_column columns[] = {{.c = {.name = "a", .type = ST_INT64}},
                                           {.c = {.name = "b c", .type = ST_TEXT}}};
    struct seen_table t = {.name = "t", .columns = columns, .n_columns = 2};
    must(reflect_sqlite_index(a, &t, "i", text) == 0 && t.n_indexes + t.n_others <= 1);
    for (size_t i = 0; i < t.n_indexes; i++) {
        const st_table_index *x = &t.indexes[i];
        st_table_index copy;
        must(x->columns[0] || x->expression);
        for (size_t k = 0; k < migrate_key_len(x->columns); k++) {
            must(x->how[k] != NULL);
        }
        (void)migrate_copy_index(a, "t", NULL, x, &copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena *a = arena_new(NULL, 0);
    char *text = a ? arena_memdup0(a, data, size) : NULL;
    must(text != NULL);
    for (unsigned by = 0; by <= ST_POSTGRESQL; by++) {
        check_words(a, str_of(text), (enum st_dialect)by);
    }
    check_index(a, text);
    arena_free(a);
    return 0;
}
