/* The recipes on PostgreSQL: what they lock, beside a program that goes on writing, and what they come to. */
#include "catalog.h"
#include "notes.h"
#include "offline.h"
#include "strata/migrate/run.h"
#include "strata/migrate/sql_look.h"

struct beside {
    struct world *w;
    st_engine *watcher;
    struct migrate_plan plan;
    size_t at; /* phase */
    unsigned commits, checked;
    bool stop;
    int64_t first_id, written, longest_ns;
};

/* What the upgrade's process holds on a table, as the number of enum migrate_lock. */
static enum migrate_lock held_on(struct beside *k, const char *table)
{
    struct world other = *k->w;
    other.e = k->watcher;
    return (enum migrate_lock)number(
        &other,
        server_printf(
            "SELECT coalesce(max(CASE mode WHEN 'AccessExclusiveLock' THEN 8 WHEN 'ExclusiveLock' THEN 7 WHEN "
            "'ShareRowExclusiveLock' THEN 6 "
            "WHEN 'ShareLock' THEN 5 WHEN 'ShareUpdateExclusiveLock' THEN 4 WHEN 'RowExclusiveLock' THEN 3 WHEN "
            "'RowShareLock' THEN 2 WHEN 'AccessShareLock' THEN 1 ELSE 0 END), 0)::bigint FROM pg_locks WHERE relation "
            "= to_regclass('%s') AND pid "
            "IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM "
            "pg_database WHERE datname = current_database()))",
            table));
}

/* Before each statement. At a COMMIT the locks are all there. */
static void statement(void *arg, const char *sql)
{
    struct beside *k = arg;
    if (strcmp(sql, "COMMIT") != 0 || k->at >= k->plan.n_phases || k->plan.phases[k->at].no_transaction) {
        return;
    }
    static const char *const tables[] = {"notes", "authors"};
    const struct migrate_phase *phase = &k->plan.phases[k->at];
    for (size_t t = 0; t < 2; t++) {
        enum migrate_lock claimed = MIGRATE_LOCK_NONE, held = held_on(k, tables[t]);
        bool scans = false, named = false;
        for (size_t i = phase->first; i < phase->first + phase->n; i++) {
            const struct migrate_step *s = &k->plan.steps[i];
            if (s->locked && strcmp(s->locked, tables[t]) == 0) {
                claimed = s->lock > claimed ? s->lock : claimed;
                named = true;
            }
            scans = scans || s->scans || s->rewrites;
        }
        ck_assert_msg(!named || claimed == held, "%s: %s is said to be locked %s, and is %s", phase->name, tables[t],
                      migrate_lock_name(claimed), migrate_lock_name(held));
        ck_assert_msg(!scans || held < MIGRATE_LOCK_SHARE, "%s scans while %s is locked %s", phase->name, tables[t],
                      migrate_lock_name(held));
        k->checked += named;
    }
}

static void progress(void *arg, const struct st_migrate_progress *p)
{
    struct beside *k = arg;
    if (p->event == ST_M_PHASE) {
        k->at = p->at;
    }
}

/* Inserts, changes and deletes rows until it is told to stop. */
static int write_on(void *arg)
{
    struct beside *k = arg;
    st_engine *e;
    OK(st_engine_open(k->w->url, NULL, &e));
    for (int64_t id = k->first_id; !k->stop; id++) {
        int64_t start = fiber_now();
        OK(st_engine_execute(
            e,
            server_printf(
                "INSERT INTO notes (id, author, body, other, mood) VALUES (%lld, 1, 'new', %lld, 'glad'); UPDATE "
                "notes SET body = body || '!' WHERE id = %lld; DELETE FROM notes WHERE id = %lld - 20",
                (long long)id, (long long)id, (long long)(1 + id % NOTES), (long long)id),
            FIBER_FOREVER));
        int64_t took = fiber_now() - start;
        k->longest_ns = took > k->longest_ns ? took : k->longest_ns;
        k->written++;
        OK(fiber_sleep_until(fiber_in_ms(3)));
    }
    st_engine_close(e);
    return 0;
}

static const char *hash_of(struct world *w)
{
    st_conn *c;
    const char *hash;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    OK(migrate_schema_hash(c, w->a, NULL, FIBER_FOREVER, &hash));
    st_conn_release(c);
    return hash;
}

static void move(struct beside *k, const st_revision *rev, bool up)
{
    const struct st_migrate_options o = {.progress = progress, .arg = k};
    OK(migrate_plan_revision(k->w->a, ST_POSTGRESQL, rev, up, false, &k->plan));
    OK(migrate_plan_locks(k->w->a, &k->plan));
    st_engine_trace(k->w->e, statement, k);
    OK(up ? st_upgrade_with(k->w->e, NOTES_HISTORY(rev), "head", &o, FIBER_FOREVER)
          : st_downgrade_with(k->w->e, NOTES_HISTORY(rev), "n0", &o, FIBER_FOREVER));
    st_engine_trace(k->w->e, NULL, NULL);
}

static const char *run_recipe(struct world *w, const st_revision *rev, int64_t round, unsigned *checked)
{
    struct beside k = {.w = w, .first_id = 100000 * round};
    const char *before = hash_of(w);
    OK(st_engine_open(w->url, NULL, &k.watcher));
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, write_on, &k));
    move(&k, rev, true);
    const char *after = hash_of(w);
    ck_assert_str_ne(before, after);
    move(&k, rev, false);
    ck_assert_str_eq(hash_of(w), before);
    int64_t written = k.written;
    OK(fiber_sleep_until(fiber_in_ms(20)));
    k.stop = true;
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_int_gt(k.written, written);
    st_engine_close(k.watcher);
    *checked += k.checked;
    return after;
}

START_TEST(each_recipe_locks_what_it_says_beside_a_writer_and_comes_to_the_direct_form)
{
    offline_off("others write meanwhile; the same recipes alone are in migrate_offline");
    struct world w, plain;
    world_open(&w, ST_POSTGRESQL, NULL);
    const char *url = pg_test_url();
    OK(st_upgrade(w.e, NOTES_HISTORY(&notes_some), "n0", FIBER_FOREVER));
    plain = w;
    OK(st_engine_open(url, NULL, &plain.e));
    OK(st_upgrade(plain.e, NOTES_HISTORY(&notes_some), "n0", FIBER_FOREVER));
    const struct st_migrate_options unsafe = {.unsafe = true};
    unsigned checked = 0;
    for (size_t i = 0; notes_recipes[i]; i++) {
        const st_revision *rev = notes_recipes[i];
        world_running(rev->id);
        const char *safe = run_recipe(&w, rev, (int64_t)i + 1, &checked);
        OK(st_upgrade_with(plain.e, NOTES_HISTORY(rev), "head", &unsafe, FIBER_FOREVER));
        ck_assert_str_eq(hash_of(&plain), safe);
        OK(st_downgrade_with(plain.e, NOTES_HISTORY(rev), "n0", &unsafe, FIBER_FOREVER));
    }
    world_running(NULL);
    ck_assert_uint_gt(checked, 20);
    st_engine_close(plain.e);
    world_close(&w);
}
END_TEST

/* ---- a large table ---- */

static const char *const types[] = {"varchar(100)",  "varchar(200)",   "varchar(200) COLLATE \"C\"",
                                    "text",          "char(9)",        "integer",
                                    "bigint",        "numeric(10,2)",  "numeric(12,2)",
                                    "numeric(12,3)", "numeric",        "timestamp",
                                    "timestamptz",   "timestamptz(3)", "bit varying(9)"};
static const char *from_type, *to_type;

static st_err up_type(st_ops *o)
{
    const st_table_column was = {"v", .type_sql = from_type, .nullable = true},
                          is = {"v", .type_sql = to_type, .nullable = true};
    return st_alter_column(o, "large", &was, &is, NULL);
}

static st_err change_type(struct world *w)
{
    static const st_revision change = {.id = "t", .message = "type", .upgrade = up_type};
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&change, NULL}, .program = "test"};
    must(w, "DROP TABLE IF EXISTS strata_revisions, strata_journal");
    st_err rc = st_upgrade(w->e, &m, "head", FIBER_FOREVER);
    ck_assert_msg(rc == 0 || rc == ST_E_INVALID, "%s to %s: %s", from_type, to_type, test_diag());
    return rc;
}

START_TEST(a_type_of_a_large_table_changes_at_once_or_is_refused)
{
    struct world w;
    unsigned changed = 0, refused = 0;
    offline_off("what is refused depends on the size");
    world_open(&w, ST_POSTGRESQL, NULL);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            from_type = types[i];
            to_type = types[k];
            must(&w,
                 server_printf("DROP TABLE IF EXISTS large; CREATE TABLE large (id integer, fill text, v %s); ALTER "
                               "TABLE large ALTER fill SET STORAGE PLAIN; INSERT INTO large SELECT i, repeat('x', "
                               "6000) FROM generate_series(1, 200) AS i",
                               from_type));
            int64_t file = number(&w, "SELECT relfilenode::bigint FROM pg_class WHERE oid = 'large'::regclass");
            ck_assert_int_gt(number(&w, "SELECT pg_table_size('large')"), 1048576);
            st_err rc = i == k ? ST_E_INVALID : change_type(&w);
            changed += rc == 0;
            refused += rc != 0;
            ck_assert_int_eq(file,
                             number(&w, "SELECT relfilenode::bigint FROM pg_class WHERE oid = 'large'::regclass"));
        }
    }
    ck_assert_uint_gt(changed, 6);
    ck_assert_uint_gt(refused, 100);
    from_type = "varchar(100)";
    to_type = "varchar(200)";
    must(&w,
         "DROP TABLE large; CREATE TABLE large (id integer, v varchar(100) CONSTRAINT short CHECK (length(v) < 9)); "
         "INSERT INTO large SELECT i, 'x' FROM generate_series(1, 60000) AS i");
    CODE(change_type(&w), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "constraint short"));
    world_close(&w);
}
END_TEST

static bool with_index;
static const st_table_column plain_n = {"n", ST_INT64, .nullable = true},
                             numbered_n = {"n", ST_INT64, .identity = true};

static st_err number_up(st_ops *o)
{
    const st_table_index i = {.name = "large_n", .columns = {"n"}};
    if (with_index) {
        OK(st_create_index(o, "large", &i));
    }
    return st_alter_column(o, "large", &plain_n, &numbered_n, NULL);
}
static st_err number_down(st_ops *o)
{
    OK(st_alter_column(o, "large", &numbered_n, &plain_n, NULL));
    return with_index ? st_drop_index(o, "large", "large_n") : 0;
}
static const st_revision numbering = {
    .id = "0000000000cd", .message = "number", .upgrade = number_up, .downgrade = number_down};

START_TEST(a_large_table_is_numbered_on_by_an_index_of_it_or_not_at_all)
{
    struct world w;
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&numbering, NULL}, .program = "test"};
    offline_off("what is refused depends on the size");
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE large (id integer PRIMARY KEY, n bigint, fill text); INSERT INTO large SELECT i, i, "
             "repeat('x', 100) FROM generate_series(1, 60000) AS i; CREATE INDEX part ON large (n) WHERE id > 9; "
             "CREATE INDEX behind ON large (id, n); CREATE INDEX hashed ON large USING hash (n)");
    with_index = false;
    CODE(st_upgrade(w.e, &m, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(strstr(diag_last()->message, "make an index of n before it") != NULL, "%s", diag_last()->message);
    OK(migrate_abandon(w.e, &m, false, false, NULL, FIBER_FOREVER));
    with_index = true;
    OK(st_upgrade(w.e, &m, "head", FIBER_FOREVER));
    must(&w, "INSERT INTO large (id) VALUES (0)");
    ck_assert_int_eq(number(&w, "SELECT n FROM large WHERE id = 0"), 60001);
    OK(st_downgrade(w.e, &m, "base", FIBER_FOREVER));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_class WHERE relname = 'large_n'"), 0);
    world_close(&w);
}
END_TEST

RUN("strata migrate safe", 60, CASE(a_type_of_a_large_table_changes_at_once_or_is_refused),
    CASE(a_large_table_is_numbered_on_by_an_index_of_it_or_not_at_all),
    CASE(each_recipe_locks_what_it_says_beside_a_writer_and_comes_to_the_direct_form));
