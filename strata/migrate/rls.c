/* Row-level security: the second wall behind the compiler, on PostgreSQL only.
 *
 * FORCE, so that the owner of a table stands before it too. No setting, no rows; the settings are of one transaction
 * and ride with its BEGIN. The sub-selects make them values computed once a statement instead of once a row. Work
 * across tenants is for the owner, who must say so; for another role saying so opens nothing. */
#include "strata/migrate/private.h"

enum { RLS_STEPS = 3 };

/* Off goes whatever was on: both policies, or none. */
static void spell(buf *b, const char *table, const char *tenant, bool enable, unsigned step)
{
    static const char *const policies[] = {"strata_tenant", "strata_system"};
    if (step == (enable ? 0 : RLS_STEPS - 1)) {
        buf_puts(b, "ALTER TABLE ");
        ddl_ident(b, table);
        buf_puts(b, !enable  ? " NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY"
                    : tenant ? " ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
                             : " ENABLE ROW LEVEL SECURITY");
        return;
    }
    bool system = step == (enable ? 2 : 1);
    buf_printf(b, "%s POLICY %s%s ON ", enable ? "CREATE" : "DROP", enable ? "" : "IF EXISTS ", policies[system]);
    ddl_ident(b, table);
    if (enable && system) {
        buf_puts(b, " TO CURRENT_USER USING ((SELECT current_setting('strata.system', true)) = 'on')");
    }
    for (int check = 0; enable && !system && check < 2; check++) {
        buf_puts(b, check ? " WITH CHECK (" : " USING (");
        ddl_ident(b, tenant);
        buf_puts(b, " = (SELECT nullif(current_setting('strata.tenant', true), '')::uuid))");
    }
}

st_err migrate_plan_rls(arena *a, struct migrate_plan *p, buf *sql, const struct migrate_op *op, const char *tenant,
                        bool enable)
{
    st_err rc = 0;
    for (unsigned step = 0; !rc && step < (enable && !tenant ? 1 : RLS_STEPS); step++) {
        spell(sql, op->table, tenant, enable, step);
        rc = migrate_plan_add(a, p, sql, NULL, op);
    }
    return rc;
}
