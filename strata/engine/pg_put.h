/* pg_put.h: members of rows in PostgreSQL's binary formats, as elements of an array parameter and as fields of COPY. */
#ifndef STRATA_ENGINE_PG_PUT_H
#define STRATA_ENGINE_PG_PUT_H

#include "base/buf.h"
#include "strata/engine/driver.h"
#include "strata/engine/pg_wire.h"

/* A limit for buffers of such values: what libpq takes in one piece. */
enum { PG_PUT_MAX = INT32_MAX / 2 };

enum pg_nesting {
    PG_ELEMENT, /* arrays cannot be elements of arrays: they go as the literal that the statement casts */
    PG_FIELD
};
/* Adds the member as a 32-bit length (-1: null, which sets *has_null) and its bytes. ST_E_INVALID: an enum value
 * without a name, or over PG_PUT_MAX; -ENOMEM. */
st_err pg_put_field(buf *out, const struct st_field *f, const void *obj, enum pg_nesting nesting, bool *has_null);

#endif
