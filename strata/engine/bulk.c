#include <assert.h>

#include "strata/engine/driver.h"

const char *st_bulk_array(const struct st_field *f)
{
    switch (f->type) {
    case ST_BOOL:
        return "bool[]";
    case ST_INT16:
        return "int2[]";
    case ST_INT32:
        return "int4[]";
    case ST_INT64:
        return "int8[]";
    case ST_DOUBLE:
        return "float8[]";
    case ST_UUID:
        return "uuid[]";
    case ST_TIME:
        return "timestamptz[]";
    case ST_BYTES:
        return "bytea[]";
    case ST_JSON:
        return "jsonb[]";
    case ST_ENUM:
        return f->as_smallint ? "int2[]" : "text[]";
    case ST_TEXT:
    case ST_TEXTS: /* one array literal an element: unnest flattens nested arrays */
    case ST_UUIDS:
        return "text[]";
    case ST_TYPE_MAX:
        break;
    }
    assert(!"a field has one of the types");
    return "text[]";
}

const char *st_bulk_cast(const struct st_field *f)
{
    return f->type == ST_TEXTS ? "::text[]" : f->type == ST_UUIDS ? "::uuid[]" : "";
}
