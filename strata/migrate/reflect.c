/* st_reflect and st_compare: a schema as data, for programs. */
#include <errno.h>

#include "strata/migrate/autogen.h"

st_err st_reflect(st_engine *e, arena *a, const char *const *only, int64_t deadline, st_schema *ret)
{
    struct seen_schema s;
    st_conn *c;
    st_err rc = st_conn_acquire(e, false, deadline, &c);
    if (rc) {
        return rc;
    }
    rc = seen_read(c, a, deadline, &s);
    st_conn_release(c);
    st_table *tables = rc ? NULL : ARENA_ARRAY(a, st_table, s.n_tables + 1);
    if (!tables) {
        return rc ? rc : diag_nomem();
    }
    size_t n = 0;
    for (size_t i = 0; !rc && i < s.n_tables; i++) {
        bool wanted = !s.tables[i].strange && !only;
        for (const char *const *p = only; p && *p && !s.tables[i].strange; p++) {
            wanted |= autogen_matches(*p, s.tables[i].name);
        }
        rc = wanted ? seen_to_table(a, &s.tables[i], &tables[n++]) : 0;
    }
    if (!rc) {
        *ret = (st_schema){.tables = tables, .n_tables = n, .enums = s.enums, .n_enums = s.n_enums};
    }
    return rc;
}

st_err st_compare(st_engine *e, const struct st_migrations *m, arena *a, int64_t deadline, const char *const **ret,
                  size_t *ret_n)
{
    struct autogen g;
    st_err rc = autogen_run(e, m, a, deadline, &g);
    const char **lines = rc ? NULL : ARENA_ARRAY(a, const char *, g.up.n + 1);
    if (!lines) {
        return rc ? rc : diag_nomem();
    }
    for (size_t i = 0; i < g.up.n; i++) {
        lines[i] = autogen_says(a, &g.up.ops[i]);
        if (!lines[i]) {
            return diag_nomem();
        }
    }
    *ret = lines;
    *ret_n = g.up.n;
    return 0;
}
