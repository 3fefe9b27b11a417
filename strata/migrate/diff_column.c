/* Columns of a table that both sides have, and its primary key. */
#include <errno.h>

#include "strata/migrate/compare.h"

/* m, with what differs from the other side's statement of it. */
static st_table_column blend(const st_table_column *m, const st_table_column *d, unsigned differs)
{
    st_table_column r = *m;
    if (differs & SAME_TYPE) {
        r.type = d->type;
        r.type_sql = d->type_sql;
        r.enum_type = d->enum_type;
        r.values = d->values;
        r.as_smallint = d->as_smallint;
    }
    if (differs & SAME_MAX) {
        r.max = d->max;
    }
    if (differs & SAME_RANGE) {
        r.min_value = d->min_value;
        r.max_value = d->max_value;
    }
    if (differs & SAME_NULL) {
        r.nullable = d->nullable;
    }
    if (differs & (SAME_DEFAULT | SAME_TYPE)) { /* a default is said in words of its type */
        r.default_sql = d->default_sql;
    }
    if (differs & SAME_COMMENT) {
        r.comment = d->comment;
    }
    if (differs & SAME_GENERATED) {
        r.generated = d->generated;
    }
    if (differs & SAME_IDENTITY) {
        r.identity = d->identity;
    }
    return r;
}

/* From names to numbers, or back: what the database's own cast cannot know. NULL: it can. */
static st_err convert_of(arena *a, const st_table_column *from, const st_table_column *to, const char **ret)
{
    *ret = NULL;
    if (from->type != ST_ENUM || to->type != ST_ENUM || from->as_smallint == to->as_smallint) {
        return 0;
    }
    const char *const *names = from->as_smallint ? to->values : from->values;
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    buf_puts(&b, "CASE ");
    ddl_ident(&b, from->name);
    for (int i = 0; names[i]; i++) {
        int at = 0; /* the number is the place among the names of the side that has numbers */
        while (!from->as_smallint && to->values[at] && strcmp(to->values[at], names[i]) != 0) {
            at++;
        }
        bool known = from->as_smallint || to->values[at];
        if (known && from->as_smallint) {
            buf_printf(&b, " WHEN %d THEN ", i);
            ddl_string(&b, names[i]);
        } else if (known) {
            buf_puts(&b, " WHEN ");
            ddl_string(&b, names[i]);
            buf_printf(&b, " THEN %d", at);
        }
    }
    buf_puts(&b, " END");
    *ret = migrate_text(a, &b);
    return *ret ? 0 : diag_nomem();
}

static bool is_text(const st_table_column *c)
{
    return c->type == ST_TEXT || c->type == ST_TYPE_NONE || (c->type == ST_ENUM && !c->as_smallint);
}

/* Only text casts to an enum type and from one: anything else becomes text in between. */
static st_err record(struct compare *c, const char *table, const st_table_column *from, const st_table_column *to)
{
    const char *convert;
    st_err rc = convert_of(c->a, from, to, &convert);
    bool into = to->enum_type && !is_text(from), out_of = from->enum_type && !is_text(to);
    if (rc || (!into && !out_of)) {
        return rc ? rc : st_alter_column(c->out, table, from, to, convert);
    }
    st_table_column between = into ? *to : *from;
    between.enum_type = NULL;
    rc = st_alter_column(c->out, table, from, &between, into ? convert : NULL);
    return rc ? rc : st_alter_column(c->out, table, &between, to, into ? NULL : convert);
}

static st_err alter(struct compare *c, const struct compare_pair *p, const struct seen_column *was,
                    const struct seen_column *is)
{
    st_err rc = 0;
    unsigned differs = column_differs(c, p, was, is, &rc);
    const st_table_column *x = migrate_column(p->from_stated, was->c.name);
    const st_table_column *y = migrate_column(p->to_stated, is->c.name);
    if (!x || !y) {
        return diag_set(ST_E_INVALID, "table %s: the column %s is not stated", p->to->name, is->c.name);
    }
    if (diff_enum_anew(x, y)) {
        differs &= ~(unsigned)(SAME_TYPE | SAME_DEFAULT);
    } else if (x->enum_type && same_word(x->enum_type, y->enum_type)) { /* SQLite has the values with the column */
        size_t i = 0;
        while (x->values[i] && y->values[i] && strcmp(x->values[i], y->values[i]) == 0) {
            i++;
        }
        differs |= x->values[i] || y->values[i] ? SAME_TYPE : 0;
    }
    if (rc || !differs) {
        return rc;
    }
    st_table_column from = c->from.models ? *x : blend(y, x, differs), to = c->from.models ? blend(x, y, differs) : *y;
    from.name = to.name = is->c.name;
    from.check = to.check = NULL; /* checks of conditions are compared by themselves */
    from.pk = to.pk = is->c.pk && was->c.pk;
    from.was = to.was = NULL;
    return record(c, p->to->name, &from, &to);
}

static const char *first_value(arena *a, const st_table_column *c)
{
    buf b BUF_AUTO;
    buf_init(&b, 4 * ST_NAME_MAX);
    ddl_string(&b, c->values[0]);
    return migrate_text(a, &b);
}

static const char *fill_foreign(const st_table_column *c, enum st_dialect d)
{
    static const struct {
        const char *begins, *value;
    } words[] = {{"char", "''"},      {"varchar", "''"}, {"text", "''"},      {"citext", "''"},
                 {"clob", "''"},      {"numeric", "0"},  {"decimal", "0"},    {"real", "0"},
                 {"float", "0"},      {"money", "0"},    {"interval", "'0'"}, {"int4range", NULL},
                 {"int8range", NULL}, {"int", "0"},      {"json", "'{}'"},    {"bool", "false"}};
    static const char *const times[] = {"timestamp", "date", "time"}; /* "datetime", too */
    str type = str_of(c->type_sql);
    if (d == ST_POSTGRESQL && str_ends(type, STR("[]"))) {
        return "'{}'";
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (str_starts_nocase(type, str_of(times[i]))) {
            return d == ST_POSTGRESQL ? "now()" : "CURRENT_TIMESTAMP";
        }
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts_nocase(type, str_of(words[i].begins))) {
            return words[i].value;
        }
    }
    return NULL;
}

/* A default for the rows that are there, when the column can hold no null; NULL: none can be told. */
static const char *fill_of(arena *a, const st_table_column *c, enum st_dialect d)
{
    switch (c->type) {
    case ST_BOOL:
        return "false";
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
    case ST_DOUBLE:
        return c->min_value && *c->min_value > 0   ? arena_printf(a, "%.17g", *c->min_value)
               : c->max_value && *c->max_value < 0 ? arena_printf(a, "%.17g", *c->max_value)
                                                   : "0";
    case ST_TEXT:
        return "''";
    case ST_UUID:
        return "uuid()";
    case ST_TIME:
        return "now()";
    case ST_JSON:
        return "'{}'";
    case ST_TEXTS:
    case ST_UUIDS:
        return "'[]'";
    case ST_ENUM:
        return first_value(a, c);
    case ST_BYTES:
        return "''";
    case ST_TYPE_MAX:
        return NULL;
    }
    return fill_foreign(c, d);
}

/* Whether rows with a made-up value would break a foreign key; one with a null in it is not looked at. */
static bool breaks_key(const struct seen_table *t, const char *column)
{
    for (size_t i = 0; i < t->n_fks; i++) {
        bool names = false, null = false;
        for (size_t k = 0; k < migrate_key_len(t->fks[i].columns); k++) {
            const struct seen_column *c = seen_column_of(t, t->fks[i].columns[k]);
            names |= strcmp(t->fks[i].columns[k], column) == 0;
            null |= c && c->c.nullable;
        }
        if (names && !null) {
            return true;
        }
    }
    return false;
}

/* Of a computed column that is made anew, on the way back: what both sides print alike has the models' words. */
static st_err keep_words(const struct compare *c, const struct compare_pair *p, const struct seen_column *is,
                         st_table_column *y)
{
    const struct seen_column *was = compare_column_from(p, is->c.name);
    const st_table_column *x = was ? migrate_column(p->from_stated, was->c.name) : NULL;
    st_err rc = 0;
    if (x && same_word(was->c.generated, is->c.generated)) {
        st_table_column words = blend(x, y, column_differs(c, p, was, is, &rc));
        words.name = y->name;
        words.check = y->check;
        words.was = y->was;
        *y = words;
    }
    return rc;
}

/* Rows that are there get a value of the type; the default that gave it goes again. */
static st_err add(struct compare *c, const struct compare_pair *p, const struct seen_column *is)
{
    const st_table_column *stated = migrate_column(p->to_stated, is->c.name);
    if (!stated) {
        return diag_set(ST_E_INVALID, "table %s: the column %s is not stated", p->to->name, is->c.name);
    }
    st_table_column y = *stated;
    st_err rc = c->from.models ? keep_words(c, p, is, &y) : 0;
    y.pk = false;
    y.was = y.was && migrate_column(p->to_stated, y.was) ? y.was : NULL; /* else it would seem to be renamed yet */
    bool fill = !y.nullable && !y.default_sql && !y.generated && !y.identity && !breaks_key(p->to, y.name);
    const char *value = fill ? fill_of(c->a, &y, c->out->dialect) : NULL;
    if (rc || !value) {
        return rc ? rc : st_add_column(c->out, p->to->name, &y);
    }
    st_table_column filled = y;
    filled.default_sql = value;
    rc = st_add_column(c->out, p->to->name, &filled);
    filled.check = y.check = NULL;
    filled.was = y.was = NULL;
    return rc ? rc : st_alter_column(c->out, p->to->name, &filled, &y, NULL);
}

/* Those that are computed from others come after them, and go before them. */
static st_err add_columns(struct compare *c, const struct compare_pair *p, bool generated)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->to->n_columns; i++) {
        const struct seen_column *is = &p->to->columns[i], *was = compare_column_from(p, is->c.name);
        bool anew = was && was->c.generated && is->c.generated && p->moved[was - p->from->columns];
        if ((!was || anew) && !is->c.generated == !generated) {
            rc = add(c, p, is);
        }
    }
    return rc;
}

static st_err drop(struct compare *c, const struct compare_pair *p, const struct seen_column *was)
{
    const char *name = compare_gone_column(c, p, was->c.name);
    return name ? st_drop_column(c->out, p->to->name, name) : diag_nomem();
}

static st_err drop_columns(struct compare *c, const struct compare_pair *p, bool generated)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from->n_columns; i++) {
        const struct seen_column *was = &p->from->columns[i];
        if (!compare_column_to(p, was->c.name) && !was->c.generated == !generated && !diff_enum_leaves(c, p, was)) {
            rc = drop(c, p, was);
        }
    }
    return rc;
}

st_err diff_column(struct compare *c, const struct compare_pair *p, const struct seen_column *was)
{
    const struct seen_column *is = compare_column_to(p, was->c.name);
    return is ? alter(c, p, was, is) : drop(c, p, was);
}

static st_err change_key(struct compare *c, const struct compare_pair *p)
{
    if (same_key(p)) {
        return 0;
    }
    const char *was[ST_KEY_MAX + 1] = {NULL}, *is[ST_KEY_MAX + 1] = {NULL};
    for (size_t i = 0; i < migrate_key_len(p->from->pk); i++) {
        was[i] = compare_now(p, p->from->pk[i]);
    }
    for (size_t i = 0; i < migrate_key_len(p->to->pk); i++) {
        is[i] = p->to->pk[i];
    }
    return st_change_primary_key(c->out, p->to->name, was[0] ? was : NULL, is[0] ? is : NULL, NULL);
}

st_err diff_columns(struct compare *c, const struct compare_pair *p)
{
    st_err rc = add_columns(c, p, false);
    rc = rc ? rc : change_key(c, p);
    rc = rc ? rc : drop_columns(c, p, true); /* what they are computed from may change its type */
    for (size_t i = 0; !rc && i < p->to->n_columns; i++) {
        const struct seen_column *is = &p->to->columns[i], *was = compare_column_from(p, is->c.name);
        bool anew = was && was->c.generated && is->c.generated && p->moved[was - p->from->columns];
        rc = was && !anew && !diff_enum_leaves(c, p, was) ? alter(c, p, was, is) : 0;
    }
    rc = rc ? rc : add_columns(c, p, true);
    return rc ? rc : drop_columns(c, p, false);
}
