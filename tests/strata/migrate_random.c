/* Between any two sets of models: what autogenerate writes leads from the one to the other, and back, with the rows. */
#include "catalog.h"
#include "offline.h"
#include "random_models.h"
#include "strata/migrate/autogen.h"

/* Revisions whose operations were generated while the test ran. */
static struct {
    st_ops up, down;
} changes[2];

static st_err replay(st_ops *o, const st_ops *from)
{
    for (size_t i = 0; i < from->n; i++) {
        struct migrate_op *op = migrate_op_add(o, from->ops[i].kind, from->ops[i].table);
        if (!op) {
            return o->err;
        }
        *op = from->ops[i];
    }
    return 0;
}

static st_err up0(st_ops *o)
{
    return replay(o, &changes[0].up);
}
static st_err down0(st_ops *o)
{
    return replay(o, &changes[0].down);
}
static st_err up1(st_ops *o)
{
    return replay(o, &changes[1].up);
}
static st_err down1(st_ops *o)
{
    return replay(o, &changes[1].down);
}
static const st_revision first = {.id = "a0", .message = "A", .upgrade = up0, .downgrade = down0};
static const st_revision second = {.id = "b1", .parents = {"a0"}, .message = "B", .upgrade = up1, .downgrade = down1};
static const st_revision *const none[] = {NULL}, *const one[] = {&first, NULL}, *const both[] = {&first, &second, NULL};

struct pair {
    struct world *w;
    uint64_t seed;
    struct spec a, b;
};

static const char *told(struct pair *p, const st_ops *o)
{
    buf b BUF_AUTO;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < o->n; i++) {
        buf_printf(&b, "\n    %s", autogen_says(p->w->a, &o->ops[i]));
    }
    return arena_memdup0(p->w->a, b.p, b.len);
}

static struct autogen generate(struct pair *p, const struct spec *s, const st_revision *const *revisions)
{
    struct autogen g;
    const st_model *const *models;
    (void)spec_models(p->w->a, s, p->w->dialect, &models);
    struct st_migrations m = {.revisions = revisions, .models = models, .program = "prog migrate"};
    OK(autogen_run(p->w->e, &m, p->w->a, FIBER_FOREVER, &g));
    return g;
}

static void nothing_left(struct pair *p, const struct spec *s, const st_revision *const *revisions, const char *when)
{
    struct autogen g = generate(p, s, revisions);
    ck_assert_msg(g.up.n == 0 && g.down.n == 0, "%s is left:%s\nand back:%s\nafter the operations:%s", when,
                  told(p, &g.up), told(p, &g.down), told(p, &changes[1].up));
}

static void move(struct pair *p, const st_revision *const *revisions, const char *target, bool up, const st_ops *ops)
{
    struct st_migrations m = {.revisions = revisions, .program = "prog migrate"};
    st_err rc = up ? st_upgrade(p->w->e, &m, target, FIBER_FOREVER) : st_downgrade(p->w->e, &m, target, FIBER_FOREVER);
    ck_assert_msg(rc == 0, "%s: %s (%s)\nthe operations:%s", up ? "upgrade" : "downgrade", diag_last()->message,
                  diag_last()->hint, told(p, ops));
}

/* However many places a type gives it; SQLite's is in hexadecimal digits, so that bytes are texts. */
static bool is_seven(const char *v)
{
    static const char *const sevens[] = {"7", "7.0", "7.00", "7.0000", "37", "372E30"};
    for (size_t i = 0; i < sizeof sevens / sizeof *sevens; i++) {
        if (strcmp(v, sevens[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The row's values of the columns that both sides keep, by table of to, named as in now (a or b). */
static const char *kept(struct pair *p, bool at_b)
{
    buf b BUF_AUTO;
    buf_init(&b, 1 << 16);
    arena *a = p->w->a;
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        const struct spec_table *x = &p->a.tables[i], *y = &p->b.tables[i];
        if (!x->name || !y->name || (y->was ? y->was : y->name) != x->name) {
            continue;
        }
        buf_printf(&b, "table %u:", i);
        for (unsigned k = 0; k < SPEC_COLUMNS; k++) {
            const struct spec_column *c = &x->columns[k], *d = &y->columns[k];
            if (!spec_keeps(c, d) || (d->was ? d->was : d->name) != c->name) {
                continue;
            }
            const char *column = spec_quoted(a, spec_column_name(a, at_b ? d : c));
            const char *table = spec_quoted(a, spec_table_name(a, at_b ? y->name : x->name));
            const char *sql = p->w->dialect == ST_SQLITE
                                  ? arena_printf(a, "SELECT CAST(hex(CAST(%s AS TEXT)) AS TEXT) FROM %s", column, table)
                                  : arena_printf(a, "SELECT CAST(%s AS text) FROM %s", column, table);
            const char *v = text_of(p->w, sql);
            buf_printf(&b, " %u=%s", k, is_seven(v) ? "7" : v);
        }
        buf_put_char(&b, '\n');
    }
    return arena_memdup0(a, b.p, b.len);
}

static void run_pair(struct world *w, uint64_t seed)
{
    struct pair *p = ARENA_NEW(w->a, struct pair); /* w->a is reset behind each */
    p->w = w;
    p->seed = seed;
    spec_draw(&p->a, &p->seed);
    p->b = p->a;
    spec_change(&p->b, &p->seed);
    world_running(arena_printf(w->a, "%s with the seed %llu", w->dialect == ST_SQLITE ? "SQLite" : "PostgreSQL",
                               (unsigned long long)seed));

    struct autogen g = generate(p, &p->a, none);
    changes[0].up = g.up;
    changes[0].down = g.down;
    move(p, one, "head", true, &g.up);
    nothing_left(p, &p->a, one, "after creating A, this");
    OK(st_engine_execute(w->e, spec_rows(w->a, &p->a, &p->b, w->dialect), FIBER_FOREVER));
    const char *before = kept(p, false);

    g = generate(p, &p->b, one);
    changes[1].up = g.up;
    changes[1].down = g.down;
    move(p, both, "head", true, &g.up);
    nothing_left(p, &p->b, both, "after A to B, this");
    const char *after = kept(p, true);
    ck_assert_msg(strcmp(before, after) == 0, "rows before:\n%s\nafter:\n%s\nthe operations:%s", before, after,
                  told(p, &g.up));

    move(p, both, "-1", false, &g.down);
    nothing_left(p, &p->a, one, "after B back to A, this");
    const char *again = kept(p, false);
    ck_assert_msg(strcmp(before, again) == 0, "rows before:\n%s\nagain:\n%s\nthe operations:%s", before, again,
                  told(p, &g.down));
    move(p, one, "base", false, &changes[0].down);
    nothing_left(p, &(struct spec){0}, none, "after going back to base, this");
    world_running(NULL);
}

static unsigned count(void)
{
    const char *n = getenv("STRATA_RANDOM");
    return n ? (unsigned)strtoul(n, NULL, 10) : 25;
}

static uint64_t start(void)
{
    const char *n = getenv("STRATA_SEED");
    return n ? strtoull(n, NULL, 10) : 1;
}

/* All in one database, as the superuser, for whom row-level security does not hold: every pair ends at base. */
static void run_all(enum st_dialect d)
{
    struct world w;
    if (!world_wanted(d)) {
        return;
    }
    offline_every(getenv("STRATA_RANDOM") ? 1 : d == ST_SQLITE ? 21 : 5); /* each way in turn */
    world_open(&w, d, NULL);
    if (d == ST_POSTGRESQL) {
        world_reopen(&w, pg_test_url_as(w.url, PG_ADMIN), NULL);
    }
    for (unsigned i = 0; i < count(); i++) {
        run_pair(&w, (start() + i) * 0x9e3779b97f4a7c15u);
        arena_reset(w.a);
    }
    world_close(&w);
}

START_TEST(any_two_sets_of_models_on_sqlite)
{
    run_all(ST_SQLITE);
}
END_TEST

START_TEST(any_two_sets_of_models_on_postgresql)
{
    run_all(ST_POSTGRESQL);
}
END_TEST

RUN("migrate random", 1200, CASE(any_two_sets_of_models_on_sqlite), CASE(any_two_sets_of_models_on_postgresql));
