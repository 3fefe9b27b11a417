/* inspect.h: a schema as the models that would describe it, in C. */
#ifndef STRATA_MIGRATE_INSPECT_H
#define STRATA_MIGRATE_INSPECT_H

#include "strata/migrate/seen.h"

/* A file of C: enums, structs, descriptors. What models cannot say stands there as a remark. wanted: by table; NULL:
 * all. source: what it was read from, for the heading. */
st_err inspect_print(buf *b, const struct seen_schema *s, const bool *wanted, const char *source);

#endif
