#include "waymark/models/tenant.h"

#include "strata/define.h"

/* clang-format off */
#define T Tenant
ST_MODEL(Tenant, "tenants",
    BASE_KEY(),
    COL(name, .max = 200),
    BASE_STAMPS,
    UNIQUE("tenants_tenant_id_key", "tenant_id"),
    CHECK("tenants_self_check", "tenant_id = id"));
#undef T
/* clang-format on */
