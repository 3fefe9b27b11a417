#include "strata/types.h"

#include <errno.h>

#define NAME(code, text) [ST_E_INVALID - (code)] = (text) /* the codes count down */

const char *st_error_name(st_err code)
{
    static const char *const names[] = {
        NAME(ST_E_INVALID, "invalid"),
        NAME(ST_E_NOT_FOUND, "not_found"),
        NAME(ST_E_CONFLICT, "conflict"),
        NAME(ST_E_UNIQUE, "unique"),
        NAME(ST_E_FOREIGN_KEY, "foreign_key"),
        NAME(ST_E_CHECK, "check"),
        NAME(ST_E_NOT_NULL, "not_null"),
        NAME(ST_E_SERIALIZATION, "serialization"),
        NAME(ST_E_DEADLOCK, "deadlock"),
        NAME(ST_E_CONNECTION, "connection"),
        NAME(ST_E_POOL_TIMEOUT, "pool_timeout"),
        NAME(ST_E_BUSY, "busy"),
        NAME(ST_E_SQL, "sql"),
        NAME(ST_E_SCHEMA, "schema"),
        NAME(ST_E_NOT_LOADED, "not_loaded"),
        NAME(ST_E_URL, "url"),
        NAME(ST_E_TENANT, "tenant"),
        NAME(ST_E_READ_ONLY, "read_only"),
        NAME(ST_E_FULL, "full"),
        NAME(ST_E_TOO_NEW, "too_new"),
    };
    if (code <= ST_E_INVALID && code >= ST_E_TOO_NEW) {
        return names[ST_E_INVALID - code];
    }
    switch (code) {
    case 0:
        return "ok";
    case -ENOMEM:
        return "out_of_memory";
    case -ECANCELED:
        return "cancelled";
    case -ETIMEDOUT:
        return "timeout";
    default:
        return "system";
    }
}
