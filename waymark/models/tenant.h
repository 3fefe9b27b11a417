/* tenant.h: a customer, whose rows nobody else sees.
 *
 * A tenant's row belongs to itself: tenant_id and id are the same, so that a tenant's session reads its own row and no
 * other. The program on one desk works for one tenant, TENANT_LOCAL, whose row the first revision writes. */
#ifndef WAYMARK_MODELS_TENANT_H
#define WAYMARK_MODELS_TENANT_H

#include "strata/model.h"

/* 00000000-0000-7000-8000-000000000001 */
#define TENANT_LOCAL ((st_uuid){{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}})

typedef struct Tenant {
    ST_BASE; /* equal */
    const char *name;
} Tenant;
ST_DECLARE(Tenant);

#endif
