/* reflect_pg.h: what the files that read PostgreSQL's catalog share. */
#ifndef STRATA_MIGRATE_REFLECT_PG_H
#define STRATA_MIGRATE_REFLECT_PG_H

#include "strata/migrate/seen.h"

#define REFLECT_HERE "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = pg_catalog.current_schema())"
/* Tables of ours: no extension's, no part of another, not Strata's own. */
#define REFLECT_OURS                                                                          \
    "t.relkind IN ('r', 'p') AND t.relnamespace = " REFLECT_HERE " AND NOT t.relispartition " \
    "AND t.relname !~ '^strata_' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e "         \
    "WHERE e.objid = t.oid AND e.classid = 'pg_catalog.pg_class'::regclass AND e.deptype = 'e')"

enum { REFLECT_TEXTS_MAX = 10, REFLECT_FLAGS_MAX = 4, REFLECT_LISTS_MAX = 2 };
/* One struct for the rows of all statements: texts, flags and lists in the order of their columns. */
struct reflect_row {
    const char *text[REFLECT_TEXTS_MAX];
    bool flag[REFLECT_FLAGS_MAX];
    st_texts list[REFLECT_LISTS_MAX];
};
struct reflect_reader {
    arena *a;
    struct seen_schema *s;
};
#define REFLECT_ADD(k, items, n, room) migrate_grow((k)->a, &(items), (n), &(room), sizeof *(items))

st_err reflect_other(struct reflect_reader *k, struct seen_table *t, const char *what, const char *name,
                     const char *sql);
/* reflect_pg_index.c: indexes, and what unique constraints have from theirs; after the constraints. */
enum { REFLECT_INDEX_TEXTS = 6, REFLECT_INDEX_FLAGS = 4, REFLECT_INDEX_LISTS = 2 };
extern const char reflect_index_sql[];
st_err reflect_index(struct reflect_reader *k, const struct reflect_row *r);

#endif
