#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>

#include "strata/engine.h"

void st_library_versions(char *out, size_t size)
{
    (void)snprintf(out, size, "SQLite %s, libpq %d.%d, libuv %s", sqlite3_libversion(), PQlibVersion() / 10000,
                   PQlibVersion() % 10000, uv_version_string());
}
