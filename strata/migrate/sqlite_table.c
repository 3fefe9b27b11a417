/* Reading a CREATE TABLE. */
#include "strata/migrate/private.h"
#include "strata/migrate/sqlite_reader.h"

static bool column(struct lite_reader *r, struct lite_column *c)
{
    size_t from = start(r);
    c->name = eat_name(r);
    if (!c->name) {
        return false;
    }
    size_t type = at_end(r) ? r->end : start(r);
    bool typed = false;
    while ((r->t.kind == LITE_WORD || r->t.kind == LITE_QUOTED || r->t.kind == LITE_STRING) &&
           !lite_begins_constraint(r, false)) {
        advance(r);
        typed = true;
    }
    str inner;
    if (typed && at_word(r, "(") && !lite_brackets(r, &inner)) {
        return false;
    }
    c->type = typed ? since(r, type) : (str){NULL, 0};
    struct lite_constraint *of = NULL;
    size_t n = 0, room = 0;
    bool ok = lite_constraints(r, c->name, &of, &n, &room);
    c->constraints = of;
    c->n_constraints = n;
    c->text = since(r, from);
    return ok;
}

static bool parts(struct lite_reader *r, struct lite_table *t)
{
    struct lite_column *columns = NULL;
    struct lite_constraint *of = NULL;
    size_t n = 0, room = 0, n_of = 0, room_of = 0;
    do {
        if (n && lite_begins_constraint(r, true)) {
            if (!lite_constraints(r, NULL, &of, &n_of, &room_of)) {
                return false;
            }
            continue;
        }
        if (n_of || migrate_grow(r->a, &columns, n, &room, sizeof *columns)) {
            r->out_of_memory = r->out_of_memory || !n_of;
            return false;
        }
        columns[n] = (struct lite_column){0};
        if (!column(r, &columns[n])) {
            return false;
        }
        n++;
    } while (eat(r, ","));
    t->columns = columns;
    t->n_columns = n;
    t->constraints = of;
    t->n_constraints = n_of;
    return eat(r, ")");
}

static bool options(struct lite_reader *r, struct lite_table *t)
{
    size_t from = r->end;
    do {
        if (eat(r, "without")) {
            t->without_rowid = true;
            if (!eat(r, "rowid")) {
                return false;
            }
        } else if (eat(r, "strict")) {
            t->strict = true;
        }
    } while (eat(r, ","));
    (void)eat(r, ";");
    t->options = str_from(r->text, from);
    return r->t.kind == LITE_END;
}

static bool whole(struct lite_reader *r, struct lite_table *t)
{
    if (!eat(r, "create")) {
        return false;
    }
    if (at_word(r, "temp") || at_word(r, "temporary")) {
        advance(r);
    }
    if (!eat(r, "table")) {
        return false;
    }
    if (eat(r, "if") && !(eat(r, "not") && eat(r, "exists"))) {
        return false;
    }
    t->name_text = r->t.text;
    t->name = eat_name(r);
    if (t->name && eat(r, ".")) {
        t->name_text = r->t.text;
        t->name = eat_name(r);
    }
    return t->name && eat(r, "(") && parts(r, t) && options(r, t);
}

st_err lite_table_read(arena *a, str text, struct lite_table *ret)
{
    struct lite_reader r = {.a = a, .text = text};
    struct lite_table t = {.text = text};
    r.t = lite_next(text, &r.at);
    bool ok = whole(&r, &t);
    if (r.out_of_memory) {
        return diag_nomem();
    }
    if (!ok) {
        return diag_set(ST_E_INVALID, "the definition of the table %s cannot be read at byte %zu: %.*s",
                        t.name ? t.name : "", start(&r), (int)(r.t.text.len < 40 ? r.t.text.len : 40),
                        r.t.text.len ? r.t.text.p : "");
    }
    st_err rc = lite_name_constraints(a, &t);
    if (!rc) {
        *ret = t;
    }
    return rc;
}

const struct lite_column *lite_column(const struct lite_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (lite_same_name(t->columns[i].name, name)) {
            return &t->columns[i];
        }
    }
    return NULL;
}
