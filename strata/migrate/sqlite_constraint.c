/* Reading constraints. The order of what may follow what is that of SQLite's grammar (src/parse.y). */
#include "strata/migrate/private.h"
#include "strata/migrate/sqlite_reader.h"

/* From an opening bracket to behind the one that closes it; *ret is what is between. */
bool lite_brackets(struct lite_reader *r, str *ret)
{
    if (!eat(r, "(")) {
        return false;
    }
    size_t from = r->end, depth = 1;
    while (!at_end(r)) {
        depth += at_word(r, "(") ? 1 : 0;
        depth -= at_word(r, ")") ? 1 : 0;
        advance(r);
        if (depth == 0) {
            *ret = str_n(r->text.p + from, r->end - 1 - from);
            return true;
        }
    }
    return false;
}

/* "(a, b COLLATE nocase DESC)"; *ret_auto when AUTOINCREMENT stands in it. */
static bool key(struct lite_reader *r, const char *const **ret, const char *const **ret_collations, size_t *ret_n,
                bool *ret_auto)
{
    const char **names = NULL, **collations = NULL;
    size_t n = 0, room = 0, other_room = 0;
    if (!eat(r, "(")) {
        return false;
    }
    do {
        const char *name = eat_name(r);
        if (!name || migrate_grow(r->a, &names, n, &room, sizeof *names) ||
            migrate_grow(r->a, &collations, n, &other_room, sizeof *collations)) {
            r->out_of_memory = r->out_of_memory || name;
            return false;
        }
        if (eat(r, "collate") && !(collations[n] = eat_name(r))) {
            return false;
        }
        bool down = at_word(r, "desc");
        if (down || at_word(r, "asc")) {
            advance(r);
        }
        if (eat(r, "nulls")) {
            advance(r);
        }
        names[n] = down ? arena_printf(r->a, "-%s", name) : name;
        r->out_of_memory = r->out_of_memory || !names[n];
        n++;
        *ret_auto = eat(r, "autoincrement") || *ret_auto;
    } while (eat(r, ","));
    *ret = names;
    *ret_collations = collations;
    *ret_n = n;
    return eat(r, ")");
}

/* ON CONFLICT and a word. */
static bool conflict(struct lite_reader *r)
{
    if (eat(r, "on")) {
        if (!eat(r, "conflict")) {
            return false;
        }
        advance(r);
    }
    return true;
}

/* NOT may also begin NOT NULL. */
static bool begins_deferral(const struct lite_reader *r)
{
    size_t at = r->at;
    return at_word(r, "deferrable") || (at_word(r, "not") && lite_is(lite_next(r->text, &at), "deferrable"));
}

static void deferral(struct lite_reader *r, struct lite_constraint *c)
{
    size_t from = start(r);
    (void)eat(r, "not");
    if (eat(r, "deferrable") && eat(r, "initially")) {
        advance(r);
    }
    c->deferral = since(r, from);
}

/* Behind REFERENCES. */
static bool references(struct lite_reader *r, struct lite_constraint *c)
{
    bool unused = false;
    const char *const *none;
    c->table = eat_name(r);
    if (!c->table || (at_word(r, "(") && !key(r, &c->to, &none, &c->n_to, &unused))) {
        return false;
    }
    for (;;) {
        if (eat(r, "on")) {
            advance(r); /* DELETE or UPDATE */
            if (at_word(r, "set") || at_word(r, "no")) {
                advance(r);
            }
            advance(r);
        } else if (eat(r, "match")) {
            advance(r);
        } else {
            break;
        }
    }
    if (begins_deferral(r)) {
        deferral(r, c);
    }
    return true;
}

static bool primary_key(struct lite_reader *r, struct lite_constraint *c, bool of_table)
{
    c->kind = LITE_PRIMARY_KEY;
    if (!eat(r, "key")) {
        return false;
    }
    if (of_table) {
        return key(r, &c->columns, &c->collations, &c->n_columns, &c->autoincrement) && conflict(r);
    }
    if (at_word(r, "asc") || at_word(r, "desc")) {
        advance(r);
    }
    bool ok = conflict(r);
    c->autoincrement = ok && eat(r, "autoincrement");
    return ok;
}

static bool default_of(struct lite_reader *r, struct lite_constraint *c)
{
    c->kind = LITE_DEFAULT;
    size_t from = start(r);
    if (at_word(r, "(")) {
        str inner;
        bool ok = lite_brackets(r, &inner);
        c->expr = since(r, ok ? from : r->end);
        return ok;
    }
    if (at_word(r, "+") || at_word(r, "-")) {
        advance(r);
    }
    if (at_end(r) || at_word(r, ",") || at_word(r, ")")) {
        return false;
    }
    advance(r);
    c->expr = since(r, from);
    return true;
}

static bool generated(struct lite_reader *r, struct lite_constraint *c)
{
    c->kind = LITE_GENERATED;
    if (eat(r, "generated") && !eat(r, "always")) {
        return false;
    }
    if (!eat(r, "as") || !lite_brackets(r, &c->expr)) {
        return false;
    }
    c->stored = eat(r, "stored");
    (void)eat(r, "virtual");
    return true;
}

static bool constraint_of_column(struct lite_reader *r, struct lite_constraint *c)
{
    if (begins_deferral(r)) { /* SQLite takes it behind other words, too */
        deferral(r, c);
        return true;
    }
    if (eat(r, "primary")) {
        return primary_key(r, c, false);
    }
    if (eat(r, "not")) {
        c->kind = LITE_NOT_NULL;
        return eat(r, "null") && conflict(r);
    }
    if (eat(r, "null")) {
        c->kind = LITE_NULL;
        return conflict(r);
    }
    if (eat(r, "unique")) {
        c->kind = LITE_UNIQUE;
        return conflict(r);
    }
    if (eat(r, "check")) {
        c->kind = LITE_CHECK;
        return lite_brackets(r, &c->expr);
    }
    if (eat(r, "default")) {
        return default_of(r, c);
    }
    if (eat(r, "collate")) {
        c->kind = LITE_COLLATE;
        c->expr = r->t.text;
        return eat_name(r) != NULL;
    }
    if (eat(r, "references")) {
        c->kind = LITE_FOREIGN_KEY;
        return references(r, c);
    }
    return generated(r, c);
}

static bool constraint_of_table(struct lite_reader *r, struct lite_constraint *c)
{
    bool unused = false;
    if (eat(r, "primary")) {
        return primary_key(r, c, true);
    }
    if (eat(r, "unique")) {
        c->kind = LITE_UNIQUE;
        return key(r, &c->columns, &c->collations, &c->n_columns, &unused) && conflict(r);
    }
    if (eat(r, "check")) {
        c->kind = LITE_CHECK;
        return lite_brackets(r, &c->expr) && conflict(r);
    }
    c->kind = LITE_FOREIGN_KEY;
    return eat(r, "foreign") && eat(r, "key") && key(r, &c->columns, &c->collations, &c->n_columns, &unused) &&
           eat(r, "references") && references(r, c);
}

static bool any_of(const struct lite_reader *r, const char *const *words)
{
    bool is = false;
    for (; *words && !is; words++) {
        is = at_word(r, *words);
    }
    return is;
}

/* Whether the next token begins a constraint; GENERATED may also be a word of a type. */
bool lite_begins_constraint(const struct lite_reader *r, bool of_table)
{
    static const char *const column[] = {"constraint", "primary", "not",        "null", "unique",     "check",
                                         "default",    "collate", "references", "as",   "deferrable", NULL};
    static const char *const table[] = {"constraint", "primary", "unique", "check", "foreign", NULL};
    if (!of_table && at_word(r, "generated")) {
        size_t at = r->at;
        return lite_is(lite_next(r->text, &at), "always");
    }
    return any_of(r, of_table ? table : column);
}

bool lite_constraints(struct lite_reader *r, const char *column, struct lite_constraint **ret, size_t *ret_n,
                      size_t *room)
{
    while (lite_begins_constraint(r, !column)) {
        if (migrate_grow(r->a, ret, *ret_n, room, sizeof **ret)) {
            r->out_of_memory = true;
            return false;
        }
        struct lite_constraint *c = &(*ret)[(*ret_n)++];
        *c = (struct lite_constraint){.kind = LITE_NOTHING};
        size_t from = start(r);
        if (eat(r, "constraint")) {
            c->name = eat_name(r);
            if (!c->name) {
                return false;
            }
        }
        if (lite_begins_constraint(r, !column) && !at_word(r, "constraint")) {
            bool ok = column ? constraint_of_column(r, c) : constraint_of_table(r, c);
            if (!ok) {
                return false;
            }
        }
        c->text = since(r, from);
        bool keyed = c->kind == LITE_PRIMARY_KEY || c->kind == LITE_UNIQUE || c->kind == LITE_FOREIGN_KEY;
        if (column && keyed) {
            const char **one = ARENA_ARRAY(r->a, const char *, 1);
            r->out_of_memory = r->out_of_memory || !one;
            if (one) {
                *one = column;
                c->columns = one;
                c->n_columns = 1;
            }
        }
    }
    return !r->out_of_memory;
}
