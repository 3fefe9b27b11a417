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
struct pg_plan {
    const struct pg_column *columns;
    size_t n, head, size;
};

/* ST_E_SCHEMA when the columns do not fit the shape. The plan lives in a. */
st_err pg_plan_make(arena *a, const PGresult *res, const struct st_shape *shape, struct pg_plan *ret);
/* Row number row as a struct. -ENOMEM; ST_E_SCHEMA for a null or a value that the member cannot hold. */
st_err pg_plan_read(const struct pg_plan *plan, const PGresult *res, int row, struct rowmem *mem, void **ret_obj);

#endif
