/* inspect: a database that is there, as models. */
#include <errno.h>

#include "strata/migrate/alembic.h"
#include "strata/migrate/autogen.h"
#include "strata/migrate/command.h"
#include "strata/migrate/inspect.h"

enum { MODELS_MAX = 16 << 20 };

static st_err choose(struct command *k, const struct seen_schema *s, bool **ret)
{
    *ret = ARENA_ARRAY(k->a, bool, s->n_tables + 1);
    if (!*ret) {
        return diag_nomem();
    }
    for (unsigned i = 0; i < k->n_args; i++) {
        bool any = false;
        for (size_t t = 0; t < s->n_tables; t++) {
            bool is = autogen_matches(k->args[i], s->tables[t].name);
            (*ret)[t] |= is;
            any |= is;
        }
        if (!any) {
            return diag_set(ST_E_INVALID, "no table is called %.80s", k->args[i]);
        }
    }
    for (size_t t = 0; t < s->n_tables && !k->n_args; t++) {
        (*ret)[t] = strcmp(s->tables[t].name, "alembic_version") != 0;
    }
    return 0;
}

static st_err run_inspect(struct command *k)
{
    struct seen_schema s;
    st_conn *c;
    const char *alembic;
    bool *wanted;
    st_err rc = st_conn_acquire(k->e, false, FIBER_FOREVER, &c);
    if (rc) {
        return rc;
    }
    rc = seen_read(c, k->a, FIBER_FOREVER, &s);
    rc = rc ? rc : alembic_read(c, k->a, FIBER_FOREVER, &alembic);
    st_conn_release(c);
    rc = rc ? rc : choose(k, &s, &wanted);
    buf b BUF_AUTO;
    buf_init(&b, MODELS_MAX);
    rc = rc ? rc
            : inspect_print(&b, &s, wanted,
                            st_engine_dialect(k->e) == ST_SQLITE ? "a SQLite database" : "a PostgreSQL database");
    if (rc) {
        return rc;
    }
    if (alembic) {
        (void)fprintf(k->out, "/* Alembic has this database at %s. */\n", *alembic ? alembic : "base");
    }
    (void)fwrite(b.p, 1, b.len, k->out);
    return 0;
}

const struct command_verb command_inspect = {
    "inspect",
    "[TABLE...]",
    "print the tables of a database as models in C",
    0,
    COMMAND_ARGS_MAX,
    true,
    run_inspect,
    NULL,
    "TABLE may hold '*'. To adopt a database: print its models, write a first revision from them on an empty database\n"
    "(revision), and stamp the one that is there with it. What models cannot say stands in the file as a remark.\n"};
