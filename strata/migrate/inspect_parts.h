/* inspect_parts.h: models while they are printed; private to inspect.c and inspect_attrs.c. */
#ifndef STRATA_MIGRATE_INSPECT_PARTS_H
#define STRATA_MIGRATE_INSPECT_PARTS_H

#include "strata/migrate/inspect.h"

struct printer {
    buf *b;
    arena *a;
    const struct seen_schema *s;
    const char **names; /* of structs, by table; NULL: it cannot be a model */
    const char **why;   /* it cannot */
    st_table *stated;
    const char *const **members; /* of structs, by table and column */
};

/* The name in C of the column of a table in k->stated. */
static inline const char *inspect_member(const struct printer *k, const st_table *t, const st_table_column *c)
{
    return k->members[t - k->stated][c - t->columns];
}
/* Of the column's member; ST_TYPE_MAX: it can have none. */
enum st_type inspect_type(enum st_dialect d, const st_table_column *c);
static inline bool inspect_has_member(const struct printer *k, const st_table_column *c)
{
    return inspect_type(k->s->dialect, c) != ST_TYPE_MAX;
}

/* ---- inspect_attrs.c ---- */
void inspect_enums(struct printer *k, size_t at);
st_err inspect_model(struct printer *k, size_t at);

#endif
