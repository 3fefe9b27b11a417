/* A database URL that is taken shows no password and is taken again; one that is refused says why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "strata/engine/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    char *text = a ? arena_memdup0(a, data, size) : NULL;
    struct st_url u;
    if (!text) {
        return 0;
    }
    diag_clear();
    st_err rc = st_url_parse(a, text, &u);
    if (rc) {
        if (rc != ST_E_URL || !*diag_last()->message) {
            abort();
        }
        return 0;
    }
    const char *secret = u.dialect == ST_POSTGRESQL ? st_url_get(&u, "password") : NULL;
    struct st_url again;
    if (!u.shown || (secret && strlen(secret) > 8 && strstr(u.shown, secret) && !strstr(text, secret)) ||
        (u.dialect == ST_SQLITE && st_url_parse(a, u.shown, &again))) {
        abort();
    }
    return 0;
}
