#include "small.h"

#include "catalog.h"
#include "strata/define.h"
#include "strata/migrate/run.h"
#include "strata/select.h"

typedef struct Author {
    int64_t id;
    const char *name;
    int64_t born;
} Author;
#define T Author
ST_MODEL(Author, "authors", COL(id, .pk = true), COL(name), COL(born, .default_sql = "0", .min_value = ST_NUMBER(0)));
#undef T

static st_err up_first(st_ops *o)
{
    st_create_table(o,
                    &(const st_table){.name = "authors", ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT})});
    st_create_table(o, &(const st_table){.name = "notes",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"author", ST_INT64},
                                                    {"body", ST_TEXT, .nullable = true}, {"other", ST_INT64},
                                                    {"code", ST_TEXT, .nullable = true})});
    st_sql(o, 0, "INSERT INTO authors (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    return st_sql(o, 0,
                  "INSERT INTO notes (id, author, body, other, code) SELECT i, 1 + i % 3, CASE WHEN i % 4 > 0 THEN 'b' "
                  "|| i END, i, CASE WHEN i % 5 > 0 THEN '00000000-0000-4000-8000-0000000000' || (i + 10) ELSE 'none' "
                  "END FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24) SELECT i "
                  "FROM n) AS x");
}
static st_err down_first(st_ops *o)
{
    st_drop_table(o, "notes");
    return st_drop_table(o, "authors");
}
static const st_revision first = {.id = "n0", .message = "notes", .upgrade = up_first, .downgrade = down_first};

static const st_table_column loose = {"body", ST_TEXT, .nullable = true}, strict = {"body", ST_TEXT, .max = 500};

static st_err up_rules(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"stars", ST_INT32, .default_sql = "3"});
    st_create_index(o, "notes", &(const st_table_index){.columns = {"other"}, .unique = true, .constraint = true});
    st_run_backfill(o, &(const st_backfill){
                           .table = "notes", .set = "body = ''", .where = "body IS NULL", .batch = 4, .pause_ms = 1});
    st_alter_column(o, "notes", &loose, &strict, NULL);
    st_add_check(o, "notes", &(const st_table_check){"notes_other_check", "other >= 0"});
    return st_add_fk(o, "notes", &(const st_table_fk){.columns = {"author"}, .table = "authors", .to = {"id"}});
}
static st_err down_rules(st_ops *o)
{
    st_drop_constraint(o, "notes", ST_C_FK, "notes_author_fkey");
    st_drop_constraint(o, "notes", ST_C_CHECK, "notes_other_check");
    st_alter_column(o, "notes", &strict, &loose, NULL);
    st_drop_constraint(o, "notes", ST_C_UNIQUE, "notes_other_key");
    return st_drop_column(o, "notes", "stars");
}
static const st_revision rules = {
    .id = "a1", .parents = {"n0"}, .message = "rules", .upgrade = up_rules, .downgrade = down_rules};

static const st_parallel code = {.table = "notes",
                                 .was = &(const st_table_column){"code", ST_TEXT, .nullable = true},
                                 .is = &(const st_table_column){"code_uuid", ST_UUID, .nullable = true}};

/* It may run again. */
static st_err by_hand(struct st_session *s, void *arg)
{
    (void)arg;
    return st_raw_execute(s, "UPDATE notes SET stars = 5 WHERE id % 2 = 0", NULL, .confined = true);
}

static st_err up_beside(st_ops *o)
{
    st_parallel_begin(o, &code);
    st_run_step(o, "by hand", by_hand, NULL);
    st_create_table(o, &(const st_table){.name = "marks",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"note", ST_INT64}),
                                         ST_FKS({.columns = {"note"}, .table = "notes", .to = {"id"}})});
    return st_create_index(o, "notes", &(const st_table_index){.columns = {"author", "-id"}});
}
static st_err down_beside(st_ops *o)
{
    st_drop_index(o, "notes", "notes_author_id_idx");
    st_drop_table(o, "marks");
    return st_parallel_abort(o, &code);
}
static const st_revision beside = {
    .id = "a2", .parents = {"a1"}, .message = "beside", .upgrade = up_beside, .downgrade = down_beside};

const struct st_migrations small_history = {.revisions = (const st_revision *const[]){&first, &rules, &beside, NULL},
                                            .models = (const st_model *const[]){&Author_model, NULL},
                                            .program = "prog migrate",
                                            .leave = (const char *const[]){"notes", "marks", NULL}};

const char *small_facts(struct world *w, bool top)
{
    return text_of(w, top ? "SELECT count(*) || ' ' || sum(other) || ' ' || count(body) || ' ' || count(code_uuid) || "
                            "' ' || sum(stars) || ' ' || max(code) || ' ' || (SELECT count(*) FROM marks) FROM notes"
                          : "SELECT count(*) || ' ' || sum(other) || ' ' || sum(author) || ' ' || count(code) || ' ' "
                            "|| max(code) FROM notes");
}

const char *small_hash(struct world *w)
{
    st_conn *c;
    const char *hash;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    OK(migrate_schema_hash(c, w->a, NULL, FIBER_FOREVER, &hash));
    st_conn_release(c);
    return hash;
}
