/* `waymark migrate`: the database's schema, by Strata's own command line. */
#include <string.h>

#include "waymark/cli/cli.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/common.h"
#include "waymark/migrations/migrations.h"

enum { ARGS_MAX = 64 };

struct command {
    struct db_options db;
    int argc;
    char *argv[ARGS_MAX + 1]; /* without --db and --data */
};

static int work(void *arg)
{
    struct command *c = arg;
    st_engine *e;
    if (db_open(&c->db, false, &e) < 0) {
        return cli_diag("migrate");
    }
    int status = st_migrate_main(e, &waymark_migrations, c->argc, c->argv, stdout, stderr);
    st_engine_close(e);
    return status == CLI_OK ? cli_finish("migrate") : status;
}

/* Takes "--name value" or "--name=value" out of the arguments at *i. */
static bool take(const char *name, int argc, char **argv, int *i, const char **ret)
{
    size_t len = strlen(name);
    if (strncmp(argv[*i], name, len) != 0) {
        return false;
    }
    if (argv[*i][len] == '=') {
        *ret = argv[*i] + len + 1;
        return true;
    }
    if (argv[*i][len] == '\0' && *i + 1 < argc) {
        *ret = argv[++*i];
        return true;
    }
    return false;
}

int cmd_migrate(int argc, char **argv)
{
    struct command c = {.argc = 0};
    if (argc > ARGS_MAX) {
        return cli_usage_error("migrate", "too many arguments");
    }
    for (int i = 0; i < argc; i++) {
        if (!take("--db", argc, argv, &i, &c.db.url) && !take("--data", argc, argv, &i, &c.db.data)) {
            c.argv[c.argc++] = argv[i];
        }
    }
    return cli_run_loop("migrate", work, &c);
}
