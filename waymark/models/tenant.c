#include "waymark/models/tenant.h"

#include "strata/define.h"

/* clang-format off */
#define T Tenant
ST_MODEL(Tenant, "tenants",
    COL(tenant_id, .tenant = true, .pk = true),
    COL(id, .pk = true),
    COL(name, .max = 200),
    COL(created_at, .created = true, .default_sql = "now()"),
    COL(updated_at, .updated = true, .default_sql = "now()"),
    COL(version, .version = true, .default_sql = "1"),
    UNIQUE("tenants_tenant_id_key", "tenant_id"),
    CHECK("tenants_self_check", "tenant_id = id"));
#undef T
/* clang-format on */
