/* The statements of a rebuild: a new table beside the old one, the rows, and the new one in the old one's place. */
#include "strata/migrate/rebuild.h"

struct script {
    struct rebuild *r;
    const char **v;
    size_t n, room;
    buf b;
    st_err err;
};

/* Takes what b holds as the next statement. */
static void take(struct script *k)
{
    const char *text = k->err ? NULL : migrate_text(k->r->a, &k->b);
    if (!k->err && (!text || migrate_grow(k->r->a, &k->v, k->n, &k->room, sizeof *k->v))) {
        k->err = diag_nomem();
    }
    if (!k->err) {
        k->v[k->n++] = text;
    }
}

static void say(struct script *k, const char *sql)
{
    buf_puts(&k->b, sql);
    take(k);
}

/* In the new table's text another name stands for its own; "t.c" in a CHECK is c, for the name would not hold. */
static void create(struct script *k, const char *new)
{
    const struct lite_table *t = &k->r->t;
    size_t named = (size_t)(t->name_text.p - t->text.p), done = named + t->name_text.len;
    buf_put(&k->b, t->text.p, named);
    ddl_ident(&k->b, new);
    for (size_t at = done;;) {
        struct lite_token x = lite_next(t->text, &at);
        if (x.kind == LITE_END || x.kind == LITE_BAD) {
            break;
        }
        size_t behind = at;
        bool name = x.kind == LITE_WORD || x.kind == LITE_QUOTED;
        if (name && lite_mentions(x.text, k->r->table) && lite_is(lite_next(t->text, &behind), ".")) {
            size_t from = (size_t)(x.text.p - t->text.p);
            buf_put(&k->b, t->text.p + done, from - done);
            done = at = behind;
        }
    }
    buf_put_str(&k->b, str_from(t->text, done));
    take(k);
}

static const struct rebuild_value *value_of(const struct rebuild *r, const char *column)
{
    for (size_t i = 0; i < r->n_values; i++) {
        if (lite_same_name(r->values[i].column, column)) {
            return &r->values[i];
        }
    }
    return NULL;
}

static const struct lite_constraint *part_of(const struct lite_column *c, enum lite_kind kind)
{
    for (size_t i = 0; i < c->n_constraints; i++) {
        if (c->constraints[i].kind == kind) {
            return &c->constraints[i];
        }
    }
    return NULL;
}

/* Whether rows keep a number that no column shows: then it is copied, for other tables may remember it. */
static bool has_hidden_rowid(const struct lite_table *t)
{
    bool shown = t->without_rowid || lite_column(t, "rowid");
    for (size_t i = 0; i < t->n_columns && !shown; i++) {
        const struct lite_column *c = &t->columns[i];
        if (!str_eq_nocase(c->type, STR("INTEGER"))) {
            continue;
        }
        shown = part_of(c, LITE_PRIMARY_KEY) != NULL;
        for (size_t j = 0; j < t->n_constraints && !shown; j++) {
            const struct lite_constraint *k = &t->constraints[j];
            shown = k->kind == LITE_PRIMARY_KEY && k->n_columns == 1 &&
                    lite_same_name(k->columns[0] + (k->columns[0][0] == '-'), c->name);
        }
    }
    return !shown;
}

static void copy_rows(struct script *k, const char *new)
{
    const struct lite_table *t = &k->r->t;
    bool rowid = has_hidden_rowid(t) && has_hidden_rowid(&k->r->old);
    for (int select = 0; select < 2; select++) {
        if (select) {
            buf_puts(&k->b, ") SELECT ");
        } else {
            buf_puts(&k->b, "INSERT INTO ");
            ddl_ident(&k->b, new);
            buf_puts(&k->b, " (");
        }
        buf_puts(&k->b, rowid ? "rowid" : "");
        bool first = !rowid;
        for (size_t i = 0; i < t->n_columns; i++) {
            const struct rebuild_value *v = value_of(k->r, t->columns[i].name);
            if (part_of(&t->columns[i], LITE_GENERATED) || (v && !v->expr)) {
                continue;
            }
            buf_puts(&k->b, first ? "" : ", ");
            first = false;
            if (select && v) {
                buf_puts(&k->b, v->expr);
            } else {
                ddl_ident(&k->b, t->columns[i].name);
            }
        }
    }
    buf_puts(&k->b, " FROM ");
    ddl_ident(&k->b, k->r->table);
    take(k);
}

static bool numbers_itself(const struct lite_table *t)
{
    bool is = false;
    for (size_t i = 0; i < t->n_columns && !is; i++) {
        const struct lite_constraint *k = part_of(&t->columns[i], LITE_PRIMARY_KEY);
        is = k && k->autoincrement;
    }
    for (size_t i = 0; i < t->n_constraints && !is; i++) {
        is = t->constraints[i].autoincrement;
    }
    return is;
}

/* The highest number ever given, which may be that of a row long gone. */
static void keep_number(struct script *k, const char *new)
{
    if (!numbers_itself(&k->r->old) || !numbers_itself(&k->r->t)) {
        return;
    }
    buf_puts(&k->b, "DELETE FROM sqlite_sequence WHERE name = ");
    ddl_string(&k->b, new);
    take(k);
    buf_puts(&k->b, "INSERT INTO sqlite_sequence (name, seq) SELECT ");
    ddl_string(&k->b, new);
    buf_puts(&k->b, ", seq FROM sqlite_sequence WHERE name = ");
    ddl_string(&k->b, k->r->table);
    take(k);
}

static void move_statistics(struct script *k, const char *from, const char *to)
{
    buf_puts(&k->b, "UPDATE sqlite_stat1 SET tbl = ");
    ddl_string(&k->b, to);
    buf_puts(&k->b, " WHERE tbl = ");
    ddl_string(&k->b, from);
    take(k);
}

static void put_in_place(struct script *k, const char *new, bool has_stat)
{
    if (has_stat) {
        move_statistics(k, k->r->table, new);
    }
    buf_puts(&k->b, "DROP TABLE ");
    ddl_ident(&k->b, k->r->table);
    take(k);
    /* The old way: it leaves alone what names the table, views and keys of others, which must stay as they are. */
    say(k, "PRAGMA legacy_alter_table = ON");
    ddl_alter(&k->b, new);
    buf_puts(&k->b, "RENAME TO ");
    ddl_ident(&k->b, k->r->table);
    take(k);
    say(k, "PRAGMA legacy_alter_table = OFF");
    if (has_stat) {
        move_statistics(k, new, k->r->table);
    }
}

st_err rebuild_statements(struct rebuild *r, bool has_stat, const char *const **ret, size_t *ret_n)
{
    struct script k = {.r = r};
    buf_init(&k.b, ST_DDL_MAX);
    bool changed = !str_eq(r->t.text, str_of(r->before)) || r->n_values;
    const char *new = arena_printf(r->a, "strata_new_%s", r->table);
    if (!new) {
        return diag_nomem();
    }
    for (size_t i = 0; !changed && i < r->n_objects; i++) { /* renamed indexes */
        if (r->objects[i].gone && !r->objects[i].made) {
            buf_puts(&k.b, "DROP INDEX ");
            ddl_ident(&k.b, r->objects[i].name);
            take(&k);
        }
    }
    if (changed) {
        create(&k, new);
        copy_rows(&k, new);
        keep_number(&k, new);
        put_in_place(&k, new, has_stat);
    }
    for (size_t i = 0; i < r->n_objects; i++) {
        if (!r->objects[i].gone && (changed || r->objects[i].made)) {
            say(&k, r->objects[i].sql);
        }
    }
    buf_release(&k.b);
    *ret = k.v;
    *ret_n = k.n;
    return k.err;
}
