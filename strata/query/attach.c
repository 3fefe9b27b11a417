#include "strata/query/registry.h"

st_err st_registry_of(st_engine *e, st_registry **ret)
{
    void **slot = st_engine_slot(e);
    if (!*slot) {
        st_registry *r;
        st_err rc = st_registry_new(st_engine_arena(e), st_engine_dialect(e), &r);
        if (rc) {
            return rc;
        }
        r->engine = e;
        *slot = r;
    }
    *ret = *slot;
    return 0;
}
