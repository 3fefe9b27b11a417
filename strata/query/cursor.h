/* cursor.h: a place in an order, as opaque text; private to Strata.
 *
 * base64url of: version, a hash that binds it to tenant, table and order, and the values of the order's columns in the
 * last row of a page. Who changes a cursor gets ST_E_INVALID or another place in the tenant's own rows, nothing more.
 */
#ifndef STRATA_QUERY_CURSOR_H
#define STRATA_QUERY_CURSOR_H

#include "strata/expr.h"
#include "strata/model/mapper.h"

enum { CURSOR_COLUMNS_MAX = 16, CURSOR_BYTES_MAX = 8192 };

struct st_place {
    const st_mapper *m;
    st_uuid tenant;
    const struct st_order *order; /* total; n columns */
    uint32_t n;
};

/* The cursor of obj, in a. */
st_err st_cursor_write(const struct st_place *place, const void *obj, arena *a, const char **ret);
/* The values in the cursor, n of them, ready to bind; in a. */
st_err st_cursor_read(const struct st_place *place, const char *cursor, arena *a, st_value **ret);
/* The condition of rows behind the values; in a. */
st_err st_cursor_after(const struct st_place *place, const st_value *values, arena *a, const st_expr **ret);

#endif
