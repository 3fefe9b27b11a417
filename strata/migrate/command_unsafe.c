/* What --unsafe gives up, statement by statement. */
#include "strata/migrate/command.h"
#include "strata/migrate/lint.h"
#include "strata/migrate/run.h"
#include "strata/migrate/sql_look.h"

static bool is_made(const struct command_made *made, const char *table)
{
    for (; table && made; made = made->before) {
        if (strcmp(made->table, table) == 0) {
            return true;
        }
    }
    return false;
}

/* Of what the safe form does otherwise. */
static bool is_given_up(enum sql_hazard h)
{
    switch ((int)h) {
    case SQL_CHANGE_TYPE:
    case SQL_SET_NOT_NULL:
    case SQL_COMPUTED:
    case SQL_VOLATILE_DEFAULT:
    case SQL_CHECK:
    case SQL_FOREIGN_KEY:
    case SQL_UNIQUE:
    case SQL_EXCLUDE:
    case SQL_INDEX:
    case SQL_DROP_INDEX:
        return true;
    default:
        return false;
    }
}

st_err command_given_up(struct command *k, FILE *out, const struct migrate_step *s, bool statement,
                        struct command_made **made)
{
    str rest = str_of(s->sql), one;
    st_err rc = 0;
    while (!rc && s->op && s->op->kind != MIGRATE_SQL && !s->keeps && sql_statement(&rest, &one)) {
        struct sql_look look;
        rc = sql_look(k->a, one, &look);
        const char *table = !rc && look.table ? look.table : s->op->table;
        bool said = !statement;
        for (enum sql_hazard h = SQL_SAFE + 1; !rc && h < SQL_HAZARDS && !is_made(*made, table); h++) {
            if (sql_look_has(&look, h) && is_given_up(h)) {
                if (!said) {
                    (void)fprintf(out, "  %.*s%s\n", (int)(one.len < 74 ? one.len : 71), one.p,
                                  one.len < 74 ? "" : "...");
                    said = true;
                }
                (void)fprintf(out, "      -- gives up: %s\n", lint_rule_at((size_t)h - 1)->why);
            }
        }
        if (!rc && look.creates) {
            struct command_made *m = ARENA_NEW(k->a, struct command_made);
            if (!m) {
                return diag_nomem();
            }
            *m = (struct command_made){look.creates, *made};
            *made = m;
        }
    }
    return rc;
}

st_err command_say_unsafe(struct command *k, const st_revision *rev, bool up)
{
    struct migrate_plan p;
    struct command_made *made = NULL;
    st_err rc = migrate_plan_revision(k->a, ST_POSTGRESQL, rev, up, true, &p);
    for (size_t i = 0; !rc && i < p.n; i++) {
        rc = p.steps[i].sql ? command_given_up(k, k->err, &p.steps[i], true, &made) : 0;
    }
    return rc;
}
