/* What lint finds. Raw SQL is judged by its words, an operation by what the planner makes of it. */
#include "strata/migrate/lint.h"

#include <errno.h>

#include "strata/migrate/sql_look.h"

#define BIT(h) (UINT64_C(1) << (h))
/* What does no harm to a table that nobody uses yet. */
#define ON_TABLES_IN_USE                                                                                       \
    (BIT(SQL_RENAME_TABLE) | BIT(SQL_RENAME_COLUMN) | BIT(SQL_DROP_TABLE) | BIT(SQL_DROP_COLUMN) |             \
     BIT(SQL_CHANGE_TYPE) | BIT(SQL_ADD_NOT_NULL) | BIT(SQL_SET_NOT_NULL) | BIT(SQL_DROP_NOT_NULL) |           \
     BIT(SQL_COMPUTED) | BIT(SQL_VOLATILE_DEFAULT) | BIT(SQL_CHECK) | BIT(SQL_FOREIGN_KEY) | BIT(SQL_UNIQUE) | \
     BIT(SQL_EXCLUDE) | BIT(SQL_INDEX) | BIT(SQL_WIDE_INDEX) | BIT(SQL_PARTITION) | BIT(SQL_REWRITE) |         \
     BIT(SQL_TRUNCATE) | BIT(SQL_LOCK) | BIT(SQL_ALL_ROWS) | BIT(SQL_DISABLE_TRIGGER))

struct made { /* a table that SQL of the revision has made */
    const char *name;
    const struct made *next;
};
struct linter {
    arena *a;
    const struct migrate_op *ops;
    struct lint_findings *found;
    const struct made *made;
    const char *held; /* in the transaction of raw SQL that goes on: a table in use that it has locked; or NULL */
};

static st_err find(struct linter *k, const struct migrate_op *op, enum sql_hazard hazard, const char *table,
                   const char *what)
{
    const struct lint_rule *rule = lint_rule_at((size_t)hazard - 1);
    const char *reason = NULL;
    for (struct migrate_allow *w = op ? op->allow : NULL; w; w = w->next) {
        if (strcmp(w->rule, rule->name) == 0) {
            w->used = true;
            reason = w->reason;
        }
    }
    st_err rc = migrate_grow(k->a, &k->found->v, k->found->n, &k->found->room, sizeof *k->found->v);
    if (!rc) {
        k->found->v[k->found->n++] = (struct lint_finding){rule, table, what, reason};
    }
    return rc;
}

/* Of each hazard. */
static st_err find_all(struct linter *k, const struct migrate_op *op, uint64_t hazards, const char *table,
                       const char *what)
{
    st_err rc = 0;
    for (enum sql_hazard h = SQL_SAFE + 1; !rc && h < SQL_HAZARDS; h++) {
        rc = hazards & BIT(h) ? find(k, op, h, table, what) : 0;
    }
    return rc;
}

/* A table that the revision makes itself is in nobody's way. */
static bool is_fresh(const struct linter *k, const struct migrate_op *op, const char *table)
{
    for (const struct made *m = k->made; table && m; m = m->next) {
        if (strcmp(m->name, table) == 0) {
            return true;
        }
    }
    for (const struct migrate_op *o = op; table && o-- > k->ops;) {
        if (o->kind == MIGRATE_RENAME_TABLE && strcmp(o->rename.to, table) == 0) {
            table = o->table;
        } else if (o->kind == MIGRATE_CREATE_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

/* Nor does any program know the name of a column that it has just added. */
static bool is_fresh_column(const struct linter *k, const struct migrate_op *op)
{
    for (const struct migrate_op *o = k->ops; o < op; o++) {
        if (o->kind == MIGRATE_ADD_COLUMN && strcmp(o->table, op->table) == 0 &&
            strcmp(o->column->name, op->rename.from) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- SQL of the revision's own ---- */

/* "-- lint: allow drop-column, index: the reason": the next name; *ret_reason is what follows the colon, or empty. */
static bool next_allowed(str *rest, str *line, str *ret_name, str *ret_reason)
{
    static const str mark = STR("-- lint: allow");
    for (;;) {
        while (line->len && (line->p[0] == ' ' || line->p[0] == ',')) {
            *line = str_from(*line, 1);
        }
        size_t n = 0;
        while (n < line->len && !strchr(" ,:\r\t", line->p[n])) {
            n++;
        }
        if (n) {
            ptrdiff_t colon = str_find_char(*line, ':');
            *ret_name = str_n(line->p, n);
            *ret_reason = colon < 0 ? STR("") : str_trim(str_from(*line, (size_t)colon + 1));
            *line = str_from(*line, n);
            return true;
        }
        ptrdiff_t at = str_find(*rest, mark);
        if (at < 0) {
            return false;
        }
        *rest = str_from(*rest, (size_t)at + mark.len);
        ptrdiff_t end = str_find_char(*rest, '\n');
        *line = end < 0 ? *rest : str_n(rest->p, (size_t)end);
    }
}

/* Permissions in the text for what has been found in it, from the first-th finding on. */
static st_err apply_allowed(struct linter *k, const struct migrate_op *op, size_t first)
{
    str rest = str_of(op->sql.text), line = {NULL, 0}, name, reason;
    size_t n = k->found->n;
    st_err rc = 0;
    while (!rc && next_allowed(&rest, &line, &name, &reason)) {
        bool used = false;
        const char *why = reason.len ? arena_memdup0(k->a, reason.p, reason.len) : "in the SQL";
        for (size_t i = first; why && i < n; i++) {
            struct lint_finding *f = &k->found->v[i];
            bool it = str_eq(str_of(f->rule->name), name);
            used = used || it;
            f->allowed = it && !f->allowed ? why : f->allowed;
        }
        const char *what = used ? "" : arena_memdup0(k->a, name.p, name.len);
        rc = !why || !what ? diag_nomem() : used ? 0 : find(k, op, SQL_UNUSED_ALLOW, NULL, what);
    }
    return rc;
}

/* What it adds to the statements before it in the same transaction. */
static uint64_t in_transaction(struct linter *k, const struct migrate_op *op, const struct sql_look *look)
{
    uint64_t more = 0;
    bool in_use = look->table && !is_fresh(k, op, look->table);
    if (k->held && look->scans && in_use) {
        more |= BIT(SQL_LOCK_HELD);
    }
    if (in_use && look->lock >= MIGRATE_LOCK_SHARE && !(look->hazards & BIT(SQL_DROP_TABLE))) {
        more |= k->held && strcmp(k->held, look->table) != 0 ? BIT(SQL_SEVERAL_TABLES) : 0;
        k->held = k->held ? k->held : look->table;
    }
    return more;
}

static st_err one_statement(struct linter *k, const struct migrate_op *op, str one)
{
    struct sql_look look;
    st_err rc = sql_look(k->a, one, &look);
    if (rc) {
        return rc;
    }
    uint64_t hazards = look.hazards;
    if (is_fresh(k, op, look.table)) {
        bool others = false;
        for (size_t i = 0; i < look.n_others; i++) {
            others = others || !is_fresh(k, op, look.others[i].table);
        }
        hazards &= ~(ON_TABLES_IN_USE & ~(others ? BIT(SQL_FOREIGN_KEY) : 0));
    }
    hazards |= in_transaction(k, op, &look);
    if (look.creates) {
        struct made *m = ARENA_NEW(k->a, struct made);
        if (!m) {
            return diag_nomem();
        }
        *m = (struct made){look.creates, k->made};
        k->made = m;
    }
    const char *what = hazards ? arena_memdup0(k->a, one.p, one.len < 60 ? one.len : 60) : "";
    return what ? find_all(k, op, hazards, look.table, what) : diag_nomem();
}

static st_err own_sql(struct linter *k, const struct migrate_op *op)
{
    str rest = str_of(op->sql.text), one;
    size_t first = k->found->n;
    st_err rc = 0;
    if (op->table || (op->sql.only && op->sql.only != ST_POSTGRESQL)) { /* rows of a revision are inserted */
        return 0;
    }
    while (!rc && sql_statement(&rest, &one)) {
        rc = one_statement(k, op, one);
    }
    return rc ? rc : apply_allowed(k, op, first);
}

/* ---- operations ---- */

static st_err column_type(struct linter *k, const struct migrate_op *op, const st_table_column *c, bool key)
{
    uint64_t hazards = 0;
    st_err rc = c->type_sql ? sql_look_type(k->a, c->type_sql, &hazards) : 0;
    bool small = c->type == ST_INT16 || c->type == ST_INT32;
    hazards |= small && (key || c->identity) ? BIT(SQL_SMALL_INT) : 0;
    return rc ? rc : find_all(k, op, hazards, op->table, c->name);
}

static st_err create_table(struct linter *k, const struct migrate_op *op)
{
    size_t keys = 0;
    st_err rc = 0;
    for (size_t i = 0; i < op->create->n_columns; i++) {
        keys += op->create->columns[i].pk;
    }
    for (size_t i = 0; !rc && i < op->create->n_columns; i++) {
        const st_table_column *c = &op->create->columns[i];
        rc = column_type(k, op, c, c->pk && keys == 1);
    }
    return rc;
}

static st_err alter_column(struct linter *k, const struct migrate_op *op)
{
    const st_table_column *was = op->alter.was, *is = op->alter.is;
    struct migrate_plan p = {0};
    st_err rc = is->nullable && !was->nullable ? find(k, op, SQL_DROP_NOT_NULL, op->table, is->name) : 0;
    rc = rc ? rc : migrate_plan_safe(k->a, op, 1, &p);
    bool rewrites = false;
    for (size_t i = 0; i < p.n; i++) {
        rewrites = rewrites || (p.steps[i].kind == MIGRATE_STEP_REFUSE && p.steps[i].rewrites);
    }
    return rc || !rewrites ? rc : find(k, op, SQL_CHANGE_TYPE, op->table, is->name);
}

static st_err add_column(struct linter *k, const struct migrate_op *op)
{
    const st_table_column *c = op->column;
    enum sql_hazard h = c->generated || c->identity       ? SQL_COMPUTED
                        : !c->nullable && !c->default_sql ? SQL_ADD_NOT_NULL
                                                          : SQL_SAFE;
    return h ? find(k, op, h, op->table, c->name) : 0;
}

static st_err create_index(struct linter *k, const struct migrate_op *op)
{
    const st_table_index *i = op->index;
    size_t n = migrate_key_len(i->columns) + (i->expression != NULL);
    return n > 3 && !i->unique && !i->constraint ? find(k, op, SQL_WIDE_INDEX, op->table, i->name) : 0;
}

/* On a table in use. */
static st_err operation(struct linter *k, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_RENAME_TABLE:
        return find(k, op, SQL_RENAME_TABLE, op->table, op->rename.to);
    case MIGRATE_RENAME_COLUMN: /* together: two columns that are in step swap names */
        return op->together || is_fresh_column(k, op) ? 0 : find(k, op, SQL_RENAME_COLUMN, op->table, op->rename.from);
    case MIGRATE_DROP_TABLE:
        return find(k, op, SQL_DROP_TABLE, op->table, op->table);
    case MIGRATE_DROP_COLUMN:
        return find(k, op, SQL_DROP_COLUMN, op->table, op->name);
    case MIGRATE_ALTER_COLUMN:
        return alter_column(k, op);
    case MIGRATE_ADD_COLUMN:
        return add_column(k, op);
    case MIGRATE_CREATE_INDEX:
        return create_index(k, op);
    case MIGRATE_ADD_CHECK:
        return op->check->exclude ? find(k, op, SQL_EXCLUDE, op->table, op->check->name) : 0;
    case MIGRATE_RENAME_ENUM_VALUE:
        return find(k, op, SQL_RENAME_VALUE, op->rename.type, op->rename.from);
    default: /* the planner has a recipe for it */
        return 0;
    }
}

/* On any table. */
static st_err types_of(struct linter *k, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_CREATE_TABLE:
        return create_table(k, op);
    case MIGRATE_ADD_COLUMN:
        return column_type(k, op, op->column, false);
    default:
        return 0;
    }
}

st_err lint_operations(arena *a, const st_ops *o, struct lint_findings *ret)
{
    struct linter k = {.a = a, .ops = o->ops, .found = ret};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < o->n; i++) {
        const struct migrate_op *op = &o->ops[i];
        if (op->kind == MIGRATE_SQL) {
            rc = own_sql(&k, op);
            continue;
        }
        k.held = NULL;
        rc = types_of(&k, op);
        rc = rc || is_fresh(&k, op, op->table) ? rc : operation(&k, op);
    }
    for (const struct migrate_allow *w = o->all_allows; !rc && w; w = w->before) {
        rc = w->used ? 0 : find(&k, NULL, SQL_UNUSED_ALLOW, NULL, w->rule);
    }
    return rc;
}
