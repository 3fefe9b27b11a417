/* Triggers that keep two columns in step.
 *
 * Which of the two columns a program wrote is seen by what changed, not by who wrote it, so nothing has to be set by
 * programs or kept by a pooler. A backfill is a write to the new column; it is told from a program's by what it finds:
 *   - what the old value converts to is no news for the old column;
 *   - once values are made for those that do not convert (otherwise), the first value of a row is no news either. */
#include "strata/migrate/parallel.h"

static void ident(buf *b, const char *row, const char *column)
{
    buf_puts(b, row);
    ddl_ident(b, column);
}

/* A name for an arena: NEW."x". */
static const char *named(st_ops *o, const char *row, const char *column)
{
    BUF_AUTO buf b;
    buf_init(&b, 512);
    ident(&b, row, column);
    const char *name = migrate_text(o->a, &b);
    if (!name) {
        migrate_op_fail(o, diag_nomem());
        return "";
    }
    return name;
}

void pair_forward(const struct pair *x, buf *b, const char *row)
{
    buf_puts(b, "("); /* plpgsql takes the THEN of a bare CASE for that of its IF */
    if (!migrate_convert(b, x->d, x->p->was, x->p->is, &x->p->forward, named(x->o, row, x->from))) {
        buf_puts(b, "NULL");
    }
    buf_puts(b, ")");
}

void pair_has_value(const struct pair *x, buf *b)
{
    buf_puts(b, "(");
    migrate_converts(b, x->d, x->p->was, x->p->is, &x->p->forward, named(x->o, "", x->from));
    buf_puts(b, ")");
}

bool pair_converts(const struct pair *x)
{
    BUF_AUTO buf b;
    buf_init(&b, ST_DDL_MAX);
    return migrate_convert(&b, x->d, x->p->was, x->p->is, &x->p->forward, "x");
}

bool pair_writes_back(const struct pair *x)
{
    BUF_AUTO buf b;
    buf_init(&b, ST_DDL_MAX);
    return migrate_convert(&b, x->d, x->p->is, x->p->was, &x->p->backward, "x");
}

void pair_backward(const struct pair *x, buf *b, const char *row)
{
    (void)migrate_convert(b, x->d, x->p->is, x->p->was, &x->p->backward, named(x->o, row, x->to));
}

/* forward, or else what is said for values that do not convert; fallback stands for that when it is not NULL. */
void pair_forward_or(const struct pair *x, buf *b, const char *row, const char *fallback)
{
    if (!x->otherwise) {
        pair_forward(x, b, row);
        return;
    }
    st_table_column c = *x->p->is;
    c.default_sql = x->otherwise;
    buf_puts(b, "COALESCE(");
    pair_forward(x, b, row);
    buf_puts(b, ", ");
    if (fallback) {
        buf_puts(b, fallback);
    } else if (c.type == ST_UUID && strcmp(c.default_sql, "uuid()") == 0) {
        migrate_new_uuid(b, x->d);
    } else {
        ddl_default(b, x->d, &c);
    }
    buf_puts(b, ")");
}

/* "NEW.to is news for the old column": a condition of a row whose to changed and from did not. */
static void is_news(const struct pair *x, buf *b)
{
    bool lite = x->d == ST_SQLITE;
    ident(b, "NEW.", x->to);
    buf_puts(b, lite ? " IS NOT " : " IS DISTINCT FROM ");
    pair_forward(x, b, "NEW.");
    if (x->otherwise) {
        buf_puts(b, " AND ");
        ident(b, "OLD.", x->to);
        buf_puts(b, " IS NOT NULL");
    }
}

static void changed(const struct pair *x, buf *b, const char *column, bool yes)
{
    const char *word = x->d == ST_SQLITE ? yes ? " IS NOT " : " IS "
                       : yes             ? " IS DISTINCT FROM "
                                         : " IS NOT DISTINCT FROM ";
    ident(b, "NEW.", column);
    buf_puts(b, word);
    ident(b, "OLD.", column);
}

static void assign(const struct pair *x, buf *b, const char *column)
{
    (void)x;
    ident(b, "    NEW.", column);
    buf_puts(b, " := ");
}

/* plpgsql, before the row is written. */
static void body_postgresql(const struct pair *x, buf *b)
{
    bool back = pair_writes_back(x);
    const char *old_to = named(x->o, "OLD.", x->to);
    buf_puts(b, "IF TG_OP = 'INSERT' THEN\n  IF ");
    ident(b, "NEW.", x->to);
    buf_puts(b, " IS NULL THEN\n");
    assign(x, b, x->to);
    pair_forward_or(x, b, "NEW.", NULL);
    if (back) {
        buf_puts(b, ";\n  ELSIF ");
        ident(b, "NEW.", x->from);
        buf_puts(b, " IS NULL THEN\n");
        assign(x, b, x->from);
        pair_backward(x, b, "NEW.");
    }
    buf_puts(b, ";\n  END IF;\nELSIF ");
    changed(x, b, x->from, true);
    buf_puts(b, " AND ");
    changed(x, b, x->to, false);
    buf_puts(b, " THEN\n");
    assign(x, b, x->to);
    pair_forward_or(x, b, "NEW.", old_to);
    if (back) {
        buf_puts(b, ";\nELSIF ");
        changed(x, b, x->to, true);
        buf_puts(b, " AND ");
        changed(x, b, x->from, false);
        buf_puts(b, " AND ");
        is_news(x, b);
        buf_puts(b, " THEN\n");
        assign(x, b, x->from);
        pair_backward(x, b, "NEW.");
    }
    buf_puts(b, ";\nEND IF;\nRETURN NEW;");
}

/* SQLite writes after the row is there. recursive_triggers is off, but one trigger's write starts the others. */
static void update_row(const struct pair *x, buf *b, const char *column)
{
    buf_puts(b, "UPDATE ");
    ddl_ident(b, x->p->table);
    buf_puts(b, " SET ");
    ddl_ident(b, column);
    buf_puts(b, " = ");
}

static void this_row(buf *b)
{
    buf_puts(b, " WHERE rowid = NEW.rowid");
}

static void body_insert(const struct pair *x, buf *b)
{
    update_row(x, b, x->to);
    pair_forward_or(x, b, "NEW.", NULL);
    this_row(b);
    buf_puts(b, " AND ");
    ident(b, "NEW.", x->to);
    buf_puts(b, " IS NULL;");
    if (pair_writes_back(x)) {
        buf_puts(b, "\n");
        update_row(x, b, x->from);
        pair_backward(x, b, "NEW.");
        this_row(b);
        buf_puts(b, " AND ");
        ident(b, "NEW.", x->to);
        buf_puts(b, " IS NOT NULL AND (");
        ident(b, "NEW.", x->from);
        buf_puts(b, " IS NULL OR ");
        ident(b, "NEW.", x->from);
        buf_puts(b, " GLOB 'strata:*');");
    } else if (x->p->was->identity && strcmp(x->from, x->p->was->name) != 0) { /* see st_swap_key */
        buf_puts(b, "\n");
        update_row(x, b, x->from);
        buf_puts(b, "(SELECT coalesce(max(");
        ddl_ident(b, x->from);
        buf_puts(b, "), 0) + 1 FROM ");
        ddl_ident(b, x->p->table);
        buf_puts(b, ")");
        this_row(b);
        buf_puts(b, " AND ");
        ident(b, "NEW.", x->from);
        buf_puts(b, " IS NULL;");
    }
}

static void body_forward(const struct pair *x, buf *b)
{
    update_row(x, b, x->to);
    pair_forward_or(x, b, "NEW.", named(x->o, "OLD.", x->to));
    this_row(b);
    buf_puts(b, ";");
}

static void body_backward(const struct pair *x, buf *b)
{
    update_row(x, b, x->from);
    pair_backward(x, b, "NEW.");
    this_row(b);
    buf_puts(b, ";");
}

static void when_forward(const struct pair *x, buf *b)
{
    changed(x, b, x->from, true);
    buf_puts(b, " AND ");
    changed(x, b, x->to, false);
}

static void when_backward(const struct pair *x, buf *b)
{
    changed(x, b, x->to, true);
    buf_puts(b, " AND ");
    changed(x, b, x->from, false);
    buf_puts(b, " AND ");
    is_news(x, b);
}

const char *pair_spell(const struct pair *x, void (*fn)(const struct pair *x, buf *b))
{
    BUF_AUTO buf b;
    buf_init(&b, ST_DDL_MAX);
    fn(x, &b);
    const char *text = fn ? migrate_text(x->o->a, &b) : NULL;
    if (!text) {
        migrate_op_fail(x->o, b.err ? b.err : diag_nomem());
    }
    return text;
}

static st_err trigger(const struct pair *x, const char *kind, const char *when, const char *condition, const char *body,
                      bool make)
{
    const char *base[] = {x->p->is->name, NULL}; /* the same name in every stage */
    st_table_trigger t = {
        .name = migrate_name(x->o->a, x->p->table, base, NULL, kind), .when = when, .condition = condition};
    if (!t.name) {
        return migrate_op_fail(x->o, diag_nomem());
    }
    *(x->d == ST_SQLITE ? &t.sqlite : &t.postgresql) = body;
    return make ? st_create_trigger(x->o, x->p->table, &t) : st_drop_trigger(x->o, x->p->table, &t);
}

/* Makes or drops what keeps the pair in step. */
st_err pair_in_step(const struct pair *x, bool make)
{
    if (x->o->err) {
        return x->o->err;
    }
    if (x->d == ST_POSTGRESQL) {
        return trigger(x, "sync", "BEFORE INSERT OR UPDATE", NULL, pair_spell(x, body_postgresql), make);
    }
    const char *of_from = arena_printf(x->o->a, "AFTER UPDATE OF %s", named(x->o, "", x->from));
    const char *of_to = arena_printf(x->o->a, "AFTER UPDATE OF %s", named(x->o, "", x->to));
    if (!of_from || !of_to) {
        return migrate_op_fail(x->o, diag_nomem());
    }
    st_err rc = trigger(x, "sync_insert", "AFTER INSERT", NULL, pair_spell(x, body_insert), make);
    rc = rc ? rc : trigger(x, "sync_forward", of_from, pair_spell(x, when_forward), pair_spell(x, body_forward), make);
    return rc || !pair_writes_back(x)
               ? rc
               : trigger(x, "sync_backward", of_to, pair_spell(x, when_backward), pair_spell(x, body_backward), make);
}
