/* pg_hydrate.h: from PostgreSQL's binary rows to structs.
 *
 * A plan is made once a result: for each column it holds the one way to read what the server sends into the member
 * that waits for it. Reading a row is then one switch a field, without a call to the heap. */
#ifndef STRATA_ENGINE_PG_HYDRATE_H
#define STRATA_ENGINE_PG_HYDRATE_H

#include <libpq-fe.h>

#include "strata/engine/driver.h"
#include "strata/engine/rowmem.h"

struct pg_column {
    uint8_t op;
    uint8_t width;  /* bytes on the wire; 0: any */
    uint8_t set_at; /* nullable scalars: where .set lies, from the member */
    bool nullable;
    uint32_t offset;
    const struct st_enum *of;
};
struct pg_part { /* an object of the row */
    const struct pg_column *columns;
    size_t n, head, size;
    int first; /* its first column */
    int sure;  /* the one that says whether it is there; -1: it is */
};
struct pg_plan {
    const struct pg_part *parts;
    size_t n;
};

/* ST_E_SCHEMA when the columns do not fit the shape. The plan lives in a. */
st_err pg_plan_make(arena *a, const PGresult *res, const struct st_shape *shape, struct pg_plan *ret);
/* A part of row number row as a struct; NULL: it is absent. -ENOMEM; ST_E_SCHEMA for a null or a value that the member
 * cannot hold. */
st_err pg_plan_read(const struct pg_part *part, const PGresult *res, int row, struct rowmem *mem, void **ret_obj);

#endif
