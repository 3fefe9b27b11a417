/* On SQLite the edits of a table are brought together before a revision runs; what comes of it is what comes of the
 * operations one by one. WAYMARK_TEST_SEED repeats a sequence, WAYMARK_TEST_OPS says how many there are. */
#include <inttypes.h>

#include "catalog.h"
#include "random.h"
#include "strata/migrate/private.h"

enum { TABLES = 2, COLUMNS = 4, STEPS = 14, ROWS = 5 };

/* A table as it is on the way; every column holds 1 to ROWS, so that any of them may be a key. */
struct table {
    const char *name, *columns[COLUMNS];
    bool not_null[COLUMNS], has_default[COLUMNS];
    unsigned key;
    bool has_check, has_unique, has_fk, has_index, has_trigger;
};

/* One by one: with something between that nothing is moved past. */
static struct {
    struct chance c;
    uint64_t begin;
    bool one_by_one;
    arena *a;
} run;

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

static const char *of(const struct table *t, const char *suffix)
{
    return arena_printf(run.a, "%s_%s", t->name, suffix);
}

static bool is_taken(const struct table *t, const char *name)
{
    bool is = false;
    for (unsigned i = 0; i < COLUMNS; i++) {
        is = is || strcmp(t->columns[i], name) == 0;
    }
    return is;
}

static void alter(st_ops *o, struct table *t, unsigned at, bool nullability)
{
    st_table_column was = {t->columns[at], ST_INT64, .nullable = !t->not_null[at],
                           .default_sql = t->has_default[at] ? "7" : NULL};
    if (nullability) {
        t->not_null[at] = !t->not_null[at];
    } else {
        t->has_default[at] = !t->has_default[at];
    }
    st_table_column is = was;
    is.nullable = !t->not_null[at];
    is.default_sql = t->has_default[at] ? "7" : NULL;
    OK(st_alter_column(o, t->name, &was, &is, NULL));
}

static void change(st_ops *o, struct table *t, const struct table *other)
{
    struct chance *c = &run.c;
    unsigned at = (unsigned)chance_below(c, COLUMNS);
    const char *column = t->columns[at], *new = names[chance_below(c, sizeof names / sizeof *names)];
    switch (chance_below(c, 10)) {
    case 0:
    case 1:
        if (!is_taken(t, new)) {
            OK(st_rename_column(o, t->name, column, new));
            t->columns[at] = new;
        }
        return;
    case 2:
    case 3:
        if (at != t->key) {
            alter(o, t, at, chance_below(c, 2));
        }
        return;
    case 4:
        if (at != t->key) {
            OK(st_change_primary_key(o, t->name, ST_VALUES(t->columns[t->key]), ST_VALUES(column), NULL));
            t->not_null[t->key] = t->not_null[at] = true;
            t->key = at;
        }
        return;
    case 5:
        if (t->has_check) {
            OK(st_drop_constraint(o, t->name, ST_C_CHECK, of(t, "check")));
        } else {
            OK(st_add_check(o, t->name,
                            &(const st_table_check){of(t, "check"), arena_printf(run.a, "%s > 0", column)}));
        }
        t->has_check = !t->has_check;
        return;
    case 6:
        if (t->has_unique) {
            OK(st_drop_constraint(o, t->name, ST_C_UNIQUE, of(t, "unique")));
        } else {
            OK(st_create_index(o, t->name, &(const st_table_index){of(t, "unique"), {column}, true, true}));
        }
        t->has_unique = !t->has_unique;
        return;
    case 7:
        if (t->has_fk) {
            OK(st_drop_constraint(o, t->name, ST_C_FK, of(t, "fkey")));
        } else {
            OK(st_add_fk(o, t->name,
                         &(const st_table_fk){of(t, "fkey"), {column}, other->name, {other->columns[other->key]}}));
        }
        t->has_fk = !t->has_fk;
        return;
    case 8:
        OK(t->has_index ? st_drop_index(o, t->name, of(t, "idx"))
                        : st_create_index(o, t->name, &(const st_table_index){of(t, "idx"), {column}}));
        t->has_index = !t->has_index;
        return;
    default: {
        const st_table_trigger touch = {of(t, "touch"), "AFTER UPDATE", .sqlite = "SELECT 1;"};
        OK(t->has_trigger ? st_drop_trigger(o, t->name, &touch) : st_create_trigger(o, t->name, &touch));
        t->has_trigger = !t->has_trigger;
        return;
    }
    }
}

static st_err up_random(st_ops *o)
{
    struct table t[TABLES] = {{.name = "one", .columns = {"a", "b", "c", "d"}, .not_null = {true}},
                              {.name = "two", .columns = {"a", "b", "c", "d"}, .not_null = {true}}};
    run.c.random = run.begin;
    run.a = o->a;
    for (int i = 0; i < STEPS; i++) {
        struct table *x = &t[chance_below(&run.c, TABLES)], *other = &t[x == t];
        /* A foreign key at a column that is no key any more goes. */
        unsigned key = x->key;
        change(o, x, other);
        if (x->key != key && other->has_fk) {
            OK(st_drop_constraint(o, other->name, ST_C_FK, of(other, "fkey")));
            other->has_fk = false;
        }
        if (run.one_by_one) {
            OK(st_sql(o, 0, "SELECT 1"));
        }
    }
    return 0;
}

/* What the sequence makes of the tables, and in how many rebuilds. */
static const char *outcome(struct world *w, bool one_by_one, unsigned *ret_rebuilds)
{
    static const st_revision r = {.id = "a", .message = "random", .upgrade = up_random};
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&r, NULL}, .program = "test"};
    char *out = NULL, *err = NULL;
    must(w,
         "PRAGMA foreign_keys = OFF; DROP TABLE IF EXISTS strata_revisions; DROP TABLE IF EXISTS strata_journal; "
         "DROP TABLE IF EXISTS one; "
         "DROP TABLE IF EXISTS two; CREATE TABLE \"one\" (a INTEGER NOT NULL, b INTEGER, c INTEGER, d INTEGER, PRIMARY "
         "KEY (a)); CREATE TABLE \"two\" (a INTEGER NOT NULL, b INTEGER, c INTEGER, d INTEGER, PRIMARY KEY (a)); "
         "PRAGMA foreign_keys = ON");
    for (int i = 1; i <= ROWS; i++) {
        must(w, arena_printf(w->a, "INSERT INTO one VALUES (%d, %d, %d, %d); INSERT INTO two VALUES (%d, %d, %d, %d)",
                             i, i, i, i, i, i, i, i));
    }
    run.one_by_one = one_by_one;
    ck_assert_int_eq(command_run(w->e, &m, "plan head", &out, &err), 0);
    *ret_rebuilds = 0;
    for (const char *p = out; (p = strstr(p, "built anew")); p++) {
        ++*ret_rebuilds;
    }
    int code = command_run(w->e, &m, "upgrade head --no-snapshot", &out, &err);
    ck_assert_msg(code == 0, "seed %" PRIu64 ", %s: %s", run.c.seed, one_by_one ? "one by one" : "together", err);
    free(out);
    free(err);
    ck_assert_int_eq(number(w, "SELECT (SELECT count(*) FROM one) + (SELECT count(*) FROM two)"), 2L * ROWS);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    return text_of(w,
                   "SELECT group_concat(type || ' ' || name || ' ' || sql, char(10)) FROM (SELECT * FROM "
                   "sqlite_schema WHERE tbl_name IN ('one', 'two') AND sql IS NOT NULL ORDER BY type, tbl_name, name)");
}

START_TEST(edits_brought_together_make_what_they_make_one_by_one)
{
    struct world w;
    unsigned together, single, all_together = 0, all_single = 0;
    world_open(&w, ST_SQLITE, NULL);
    run.c = chance_open(200);
    uint64_t first = run.c.seed;
    for (uint64_t i = 0; i < run.c.ops; i++) {
        run.c.seed = run.begin = first + i;
        const char *x = outcome(&w, true, &single), *y = outcome(&w, false, &together);
        ck_assert_msg(strcmp(x, y) == 0, "seed %" PRIu64 "; one by one:\n%s\ntogether:\n%s", run.c.seed, x, y);
        ck_assert_uint_le(together, single);
        all_together += together;
        all_single += single;
    }
    printf("# %u rebuilds instead of %u\n", all_together, all_single);
    ck_assert_uint_lt(all_together, all_single * 3 / 4);
    world_close(&w);
}
END_TEST

RUN("strata migrate order", 120, CASE(edits_brought_together_make_what_they_make_one_by_one));
