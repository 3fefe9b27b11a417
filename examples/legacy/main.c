/* Runs the history on a database of its own, and says at each step what became of the rows. */
#include <inttypes.h>
#include <stdio.h>

#include "history.h"

static void heard(void *arg, const struct st_migrate_progress *p)
{
    (void)arg;
    if (p->event == ST_M_FILLED) {
        printf("  %s: %" PRId64 " rows filled, %" PRId64 " could not be\n", p->phase, p->rows, p->left);
    } else if (p->event == ST_M_REVISION) {
        printf("%s %s: %s\n", p->up ? "applied" : "undone ", p->revision->id, p->revision->message);
    }
}

/* As an old program would: some keys are uuids and some are not, and so are tenants. */
static const char rows[] =
    "INSERT INTO domains (id, name, tenant_id) VALUES "
    "('6f1c1f0e-3b7a-4a53-9f0e-0d6b0c1f2a3b', 'one.example', '11111111-1111-4111-8111-111111111111'),"
    "('site-2', 'two.example', '11111111-1111-4111-8111-111111111111'),"
    "('6F1C1F0E-3B7A-4A53-9F0E-0D6B0C1F2A3C', 'three.example', 'acme');"
    "INSERT INTO jobs (domain_id, tenant_id) VALUES ('site-2', 'acme'), ('6F1C1F0E-3B7A-4A53-9F0E-0D6B0C1F2A3C', NULL)";

static st_err move(st_engine *e, bool up, const char *target)
{
    const struct st_migrate_options o = {.progress = heard};
    return up ? st_upgrade_with(e, &legacy_migrations, target, &o, FIBER_FOREVER)
              : st_downgrade_with(e, &legacy_migrations, target, &o, FIBER_FOREVER);
}

int main(int argc, char **argv)
{
    st_engine *e = NULL;
    st_err rc = st_engine_open(argc > 1 ? argv[1] : "sqlite:///:memory:", NULL, &e);
    rc = rc ? rc : move(e, true, "+1");
    rc = rc ? rc : st_engine_execute(e, rows, FIBER_FOREVER);
    rc = rc ? rc : move(e, true, "head");
    rc = rc ? rc : move(e, false, "00001e6acf01"); /* and all of it back */
    rc = rc ? rc : move(e, false, "base");
    if (rc) {
        fprintf(stderr, "legacy: %s\n", diag_last()->message);
    }
    st_engine_close(e);
    return rc ? 1 : 0;
}
