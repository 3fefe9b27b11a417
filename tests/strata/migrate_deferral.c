/* Constraints that wait for the end of the transaction, and keys that go back to their default. */
#include "catalog.h"
#include "offline.h"
#include "shop.h"
#include "strata/define.h"
#include "strata/migrate/autogen.h"
#include "strata/select.h"
#include "strata/session.h"

typedef struct Shelf {
    int64_t id;
    int32_t place;
    st_list books;
} Shelf;
typedef struct Book {
    int64_t id;
    st_opt_int64 shelf_id, next_id;
    int32_t number;
} Book;
ST_DECLARE(Shelf);
ST_DECLARE(Book);
#define EXCLUDED "USING btree (number WITH =) WHERE (number > 5)"
#define T Shelf
ST_MODEL(Shelf, "shelves", COL(id, .pk = true), COL(place), MANY(books, Book, shelf_id),
         UNIQUE_ON("shelves_place_key", MEMBERS("place"), .deferrable = ST_DEFERRED));
#undef T
#define T Book
ST_MODEL(Book, "books", COL(id, .pk = true),
         REF(shelf_id, Shelf, .default_sql = "1", .on_delete = ST_SET_DEFAULT, .on_update = ST_SET_DEFAULT,
             .deferrable = ST_DEFERRED),
         COL(next_id, .unique = true, .deferrable = ST_DEFERRABLE), COL(number),
         PRIMARY_KEY(.deferrable = ST_DEFERRABLE), EXCLUDE("books_number_excl", EXCLUDED, .deferrable = ST_DEFERRED));
#undef T
/* The same at once. */
static const st_model Rack_model, Volume_model;
#define T Shelf
static const st_attr rack_attrs[] = {COL(id, .pk = true), COL(place), UNIQUE("shelves_place_key", "place")};
#undef T
#define T Book
static const st_attr volume_attrs[] = {
    COL(id, .pk = true),
    REF(shelf_id, Rack, .default_sql = "1", .on_delete = ST_SET_DEFAULT, .on_update = ST_SET_DEFAULT),
    COL(next_id, .unique = true), COL(number), EXCLUDE("books_number_excl", EXCLUDED)};
#undef T
static const st_model Rack_model = {
    .name = "Rack", .table = "shelves", .size = sizeof(Shelf), .attrs = rack_attrs, .n_attrs = 3};
static const st_model Volume_model = {
    .name = "Volume", .table = "books", .size = sizeof(Book), .attrs = volume_attrs, .n_attrs = 5};

static const st_model *const later[] = {&Shelf_model, &Book_model, NULL}, *const at_once[] = {&Rack_model,
                                                                                              &Volume_model, NULL};
static const st_revision *const none[] = {NULL};

static st_err script(struct world *w, const char *sql)
{
    st_conn *c;
    OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
    st_err rc = st_conn_exec(c, sql, FIBER_FOREVER);
    st_conn_release(c);
    return rc;
}

DB_TEST(what_is_deferred_is_checked_at_the_commit)
{
    bool lite = w->dialect == ST_SQLITE;
    OK(st_create_all(w->e, later, 2, FIBER_FOREVER));
    must(
        w,
        "BEGIN; INSERT INTO books (id, shelf_id, number) VALUES (1, 7, 1); INSERT INTO shelves VALUES (7, 70); COMMIT");
    CODE(script(w, "BEGIN; INSERT INTO books (id, shelf_id, number) VALUES (2, 8, 1); COMMIT"), ST_E_FOREIGN_KEY);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM books"), 1);
    must(w, "INSERT INTO shelves VALUES (1, 10), (2, 20)");
    static const char swap[] =
        "BEGIN; UPDATE shelves SET place = 20 WHERE id = 1; UPDATE shelves SET place = 10 WHERE id = 2; COMMIT";
    CODE(script(w, swap), lite ? ST_E_UNIQUE : 0);
    CODE(script(w, "BEGIN; INSERT INTO shelves VALUES (3, 10); COMMIT"), ST_E_UNIQUE);
    must(w, "DELETE FROM shelves WHERE id = 7");
    ck_assert_int_eq(number(w, "SELECT shelf_id FROM books WHERE id = 1"), 1);
    must(w, "UPDATE books SET shelf_id = 2");
    must(w, "UPDATE shelves SET id = 5 WHERE id = 2");
    ck_assert_int_eq(number(w, "SELECT shelf_id FROM books WHERE id = 1"), 1);
    if (!lite) {
        ck_assert_int_eq(number(w, "SELECT count(*) FROM pg_constraint WHERE condeferrable"), 5);
        ck_assert_int_eq(number(w, "SELECT count(*) FROM pg_constraint WHERE condeferred"), 3);
    }
}

/* Each line of a comparison, one behind another. */
static const char *lines_of(struct world *w, const struct st_migrations *m)
{
    const char *const *lines, *all = "";
    size_t n;
    OK(st_compare(w->e, m, w->a, FIBER_FOREVER, &lines, &n));
    for (size_t i = 0; i < n; i++) {
        all = arena_printf(w->a, "%s%s\n", all, lines[i]);
    }
    return all;
}

DB_TEST(autogenerate_changes_when_a_constraint_is_checked_and_back)
{
    bool lite = w->dialect == ST_SQLITE;
    struct shop s;
    shop_open(&s, w);
    struct st_migrations m = {.revisions = none, .models = at_once, .program = "prog", .dir = s.dir};
    const char *name;
    RUN_IT(&m, 0, "revision", "-m", "first");
    const char *path = shop_written(w, &name);
    const st_revision *first = shop_load(&s, path, name);
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    must(w, "INSERT INTO shelves VALUES (1, 10), (2, 20); INSERT INTO books (id, shelf_id, number) VALUES (1, 2, 9)");
    const char *was = catalog(w);

    m.models = later;
    ck_assert_str_eq(lines_of(w, &m), lite ? "table books: make the constraint books_shelf_id_fkey deferred\n"
                                           : "table books: drop the constraint books_number_excl\n"
                                             "table books: make the constraint books_pkey deferrable\n"
                                             "table books: make the constraint books_next_id_key deferrable\n"
                                             "table shelves: make the constraint shelves_place_key deferred\n"
                                             "table books: add the constraint books_number_excl\n"
                                             "table books: make the constraint books_shelf_id_fkey deferred\n");
    RUN_IT(&m, 0, "revision", "-m", "later");
    path = shop_written(w, &name);
    const st_revision *second = shop_load(&s, path, name);
    m.revisions = (const st_revision *const[]){first, second, NULL};
    for (int i = 0; i < 2; i++) {
        RUN_IT(&m, 0, "plan");
        if (!lite) {
            ck_assert_ptr_nonnull(
                strstr(shop_out, "ALTER TABLE \"books\" ALTER CONSTRAINT \"books_shelf_id_fkey\" DEFERRABLE INITIALLY "
                                 "DEFERRED\n      -- ACCESS EXCLUSIVE on books\n"));
            ck_assert_ptr_nonnull(strstr(shop_out, "CREATE UNIQUE INDEX CONCURRENTLY \"shelves_place_key_next\""));
            ck_assert_ptr_nonnull(
                strstr(shop_out, "UNIQUE USING INDEX \"shelves_place_key_next\" DEFERRABLE INITIALLY DEFERRED"));
        }
        RUN_IT(&m, 0, "upgrade");
        RUN_IT(&m, 0, "check");
        ck_assert_str_eq(lines_of(w, &m), "");
        ck_assert_ptr_nonnull(strstr(catalog(w), "DEFERRABLE INITIALLY DEFERRED"));
        ck_assert_int_eq(number(w, "SELECT count(*) FROM books JOIN shelves ON shelves.id = shelf_id"), 1);
        if (i == 0) {
            RUN_IT(&m, 0, "downgrade", "-1");
            ck_assert_str_eq(catalog(w), was);
        }
    }
    /* And what is there, as models. */
    RUN_IT(&m, 0, "inspect");
    ck_assert_ptr_nonnull(
        strstr(shop_out, ".on_delete = ST_SET_DEFAULT, .on_update = ST_SET_DEFAULT, .deferrable = ST_DEFERRED"));
    ck_assert_ptr_null(strstr(shop_out, "left alone"));
    path = arena_printf(w->a, "%s/models.c", s.dir);
    shop_write(path, shop_out);
    m.models = shop_load(&s, path, "models");
    int code = shop_run(w, &m, (const char *const[]){"check", NULL});
    ck_assert_msg(code == 0, "%s%s\n%s", shop_out, shop_err, shop_text(w, path));
    m.models = at_once;
    RUN_IT(&m, 0, "downgrade", "base");
    shop_close(&s);
}

/* The words that SQLite takes anywhere behind the key. */
START_TEST(words_that_stand_apart_are_read_and_changed)
{
    struct world world, *w = &world;
    if (!world_wanted(ST_SQLITE)) {
        return;
    }
    world_open(w, ST_SQLITE, NULL);
    st_schema s;
    must(w,
         "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, a INT REFERENCES p NOT "
         "NULL DEFERRABLE INITIALLY DEFERRED, b INT REFERENCES p(id)NOT DEFERRABLE INITIALLY DEFERRED, c INT CHECK (c "
         "> 0)REFERENCES p ON DELETE SET DEFAULT DEFERRABLE DEFAULT 1)");
    static const enum st_deferral is[] = {ST_DEFERRED, ST_NOT_DEFERRABLE, ST_DEFERRABLE};
    static const char *const names[] = {"c_a_fkey", "c_b_fkey", "c_c_fkey"};
    OK(st_reflect(w->e, w->a, ST_VALUES("c"), FIBER_FOREVER, &s));
    ck_assert_uint_eq(s.tables[0].n_fks, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(s.tables[0].fks[i].name, names[i]);
        ck_assert_int_eq(s.tables[0].fks[i].deferrable, is[i]);
    }
    ck_assert_int_eq(s.tables[0].fks[2].on_delete, ST_SET_DEFAULT);
    world_close(w);
}
END_TEST

static st_err swap_words(st_ops *o)
{
    st_defer_fk(o, "c", "c_a_fkey", ST_DEFERRED, ST_NOT_DEFERRABLE);
    st_defer_fk(o, "c", "c_b_fkey", ST_NOT_DEFERRABLE, ST_DEFERRED);
    return st_defer_fk(o, "c", "c_c_fkey", ST_DEFERRABLE, ST_DEFERRED);
}
static st_err drop_words(st_ops *o)
{
    st_drop_constraint(o, "c", ST_C_FK, "c_b_fkey");
    return st_drop_constraint(o, "c", ST_C_FK, "c_c_fkey");
}

START_TEST(words_that_stand_apart_go_with_their_key)
{
    struct world world, *w = &world;
    if (!world_wanted(ST_SQLITE)) {
        return;
    }
    world_open(w, ST_SQLITE, NULL);
    const st_revision r1 = {.id = "a", .message = "a", .upgrade = swap_words},
                      r2 = {.id = "b", .parents = {"a"}, .message = "b", .upgrade = drop_words};
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&r1, &r2, NULL}, .program = "prog"};
    must(w, "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, a INT REFERENCES p NOT "
            "NULL DEFERRABLE INITIALLY DEFERRED, b INT REFERENCES p(id)NOT NULL, c INT REFERENCES p NULL DEFERRABLE)");
    OK(st_upgrade(w->e, &m, "a", FIBER_FOREVER));
    ck_assert_str_eq(text_of(w, "SELECT sql FROM sqlite_schema WHERE name = 'c'"),
                     "CREATE TABLE \"c\" (id INTEGER PRIMARY KEY, a INT REFERENCES p NOT NULL, b INT REFERENCES p(id) "
                     "DEFERRABLE INITIALLY DEFERRED NOT NULL, c INT REFERENCES p DEFERRABLE INITIALLY DEFERRED NULL)");
    OK(st_upgrade(w->e, &m, "b", FIBER_FOREVER));
    ck_assert_str_eq(
        text_of(w, "SELECT sql FROM sqlite_schema WHERE name = 'c'"),
        "CREATE TABLE \"c\" (id INTEGER PRIMARY KEY, a INT REFERENCES p NOT NULL, b INT NOT NULL, c INT NULL)");
    world_close(w);
}
END_TEST

/* ---- given up half way ---- */

static st_err at_once_up(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "p", ST_COLUMNS({"id", ST_INT64, .pk = true})});
    return st_create_table(o,
                           &(const st_table){.name = "t",
                                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"p", ST_INT64}, {"a", ST_INT64}),
                                             ST_INDEXES({"t_a_key", {"a"}, .unique = true, .constraint = true}),
                                             ST_FKS({.columns = {"p"}, .table = "p", .to = {"id"}})});
}
static st_err half_up(st_ops *o)
{
    st_defer_fk(o, "t", "t_p_fkey", ST_NOT_DEFERRABLE, ST_DEFERRED);
    st_defer_unique(o, "t", &(const st_table_index){"t_a_key", {"a"}}, ST_DEFERRED);
    st_defer_primary_key(o, "t", "t_pkey", ST_VALUES("id"), ST_NOT_DEFERRABLE, ST_DEFERRABLE);
    return st_create_index(o, "t", &(const st_table_index){.columns = {"missing"}});
}

START_TEST(what_was_deferred_is_undone_when_it_is_given_up)
{
    struct world world, *w = &world;
    if (!world_wanted(ST_POSTGRESQL)) {
        return;
    }
    world_open(w, ST_POSTGRESQL, NULL);
    const st_revision r1 = {.id = "a1", .message = "a", .upgrade = at_once_up},
                      r2 = {.id = "b1", .parents = {"a1"}, .message = "b", .upgrade = half_up};
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&r1, &r2, NULL}, .program = "prog"};
    RUN_IT(&m, 0, "upgrade", "a1");
    const char *was = catalog(w);
    RUN_IT(&m, 1, "upgrade");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM pg_constraint WHERE condeferrable"), 3);
    RUN_IT(&m, 0, "abandon");
    ck_assert_str_eq(catalog(w), was);
    world_close(w);
}
END_TEST

/* ---- rows and tables in one transaction ---- */

static bool checked;

static st_err rows_and_index(st_ops *o)
{
    st_create_table(
        o, &(const st_table){.name = "knots",
                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"next", ST_INT64}),
                             ST_FKS({.columns = {"next"}, .table = "knots", .to = {"id"}, .deferrable = ST_DEFERRED})});
    ST_INSERT_ROWS(o, "knots", ST_VALUES("id", "next"), st_v_int64(1), st_v_int64(2), st_v_int64(2), st_v_int64(1));
    if (checked) {
        st_sql(o, ST_POSTGRESQL, "SET CONSTRAINTS ALL IMMEDIATE");
    }
    return st_add_column(o, "knots", &(const st_table_column){"n", ST_INT64, .nullable = true});
}

DB_TEST(who_alters_a_table_with_checks_to_come_is_told_how)
{
    offline_off("a script would only stop at the same place");
    const st_revision r = {.id = "a", .message = "a", .upgrade = rows_and_index};
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&r, NULL}, .program = "prog"};
    checked = false;
    if (w->dialect == ST_POSTGRESQL) {
        ck_assert_int_lt(st_upgrade(w->e, &m, "head", FIBER_FOREVER), 0);
        ck_assert_msg(strstr(diag_last()->hint, "SET CONSTRAINTS ALL IMMEDIATE") != NULL, "%s (%s)",
                      diag_last()->message, diag_last()->hint);
        checked = true;
    }
    OK(st_upgrade(w->e, &m, "head", FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM knots WHERE n IS NULL"), 2);
}

/* ---- sessions ---- */

#define GET(T_, id) ((const T_ *)st_get_(s, &T_##_model, &(const st_value){.type = ST_INT64, .i64 = (id)}, 1))

DB_TEST(a_session_hears_of_it_at_the_commit_and_goes_on)
{
    OK(st_create_all(w->e, later, 2, FIBER_FOREVER));
    ST_SESSION(s, w->e, .deadline = FIBER_FOREVER);
    ck_assert_ptr_nonnull(st_add(s, Book, .id = 1, .shelf_id = {7, true}, .number = 1));
    OK(st_flush(s));
    CODE(st_commit(s), ST_E_FOREIGN_KEY);
    OK(st_rollback(s));
    ck_assert_ptr_nonnull(st_add(s, Book, .id = 1, .shelf_id = {7, true}, .number = 1));
    OK(st_flush(s));
    ck_assert_ptr_nonnull(st_add(s, Shelf, .id = 7, .place = 1));
    OK(st_commit(s));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM books"), 1);
}

DB_TEST(a_loaded_row_whose_key_went_back_to_its_default_is_read_anew)
{
    OK(st_create_all(w->e, later, 2, FIBER_FOREVER));
    must(w, "INSERT INTO shelves VALUES (1, 10), (2, 20); INSERT INTO books (id, shelf_id, number) VALUES (1, 2, 1), "
            "(2, 2, 2)");
    ST_SESSION(s, w->e, .deadline = FIBER_FOREVER);
    const Book *one = GET(Book, 1), *two = GET(Book, 2);
    ck_assert_ptr_nonnull(two);
    st_edit(s, two)->number = 3;
    OK(st_delete(s, GET(Shelf, 2)));
    OK(st_flush(s));
    ck_assert_ptr_eq(GET(Book, 1), one);
    ck_assert_int_eq(one->shelf_id.v, 1);
    ck_assert_ptr_eq(GET(Book, 2), two);
    ck_assert(two->shelf_id.v == 1 && two->number == 3);
    OK(st_commit(s));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM books WHERE shelf_id = 1"), 2);
}

DB_TEST(an_upsert_is_refused_by_what_may_be_deferred)
{
    OK(st_create_all(w->e, later, 2, FIBER_FOREVER));
    Shelf shelf = {.id = 1, .place = 1}, *shelves[] = {&shelf};
    Book book = {.id = 1, .number = 1}, *books[] = {&book};
    struct st_bulk_result got;
    {
        ST_SESSION(s, w->e, .deadline = FIBER_FOREVER);
        OK(st_insert_many(s, Shelf, shelves, 1, &got, .conflict = ST_MEMBERS(Shelf, id)));
        CODE(st_insert_many(s, Shelf, shelves, 1, &got, .conflict = ST_MEMBERS(Shelf, place)), ST_E_INVALID);
        ck_assert_ptr_nonnull(strstr(diag_last()->message, "shelves_place_key, which is deferrable"));
    }
    const uint32_t *const conflicts[] = {ST_MEMBERS(Book, id), ST_MEMBERS(Book, next_id)};
    for (size_t i = 0; i < 2; i++) {
        ST_SESSION(s, w->e, .deadline = FIBER_FOREVER);
        CODE(st_insert_many(s, Book, books, 1, &got, .conflict = conflicts[i]), ST_E_INVALID);
        ck_assert_ptr_nonnull(strstr(diag_last()->message, i ? "next_id, which" : "the primary key, which"));
    }
}

/* ---- what makes no sense ---- */

#define T Book
static const st_attr to_key[] = {COL(id, .pk = true), REF(shelf_id, Shelf), COL(next_id), COL(number)},
                     to_place[] = {COL(id, .pk = true), COL(shelf_id), COL(next_id), COL(number),
                                   FOREIGN_KEY("books_shelf_fkey", Shelf, MEMBERS("number"), MEMBERS("place"))},
                     to_self[] = {COL(id, .pk = true), COL(shelf_id), REF(next_id, Book), COL(number),
                                  PRIMARY_KEY(.deferrable = ST_DEFERRED)};
#undef T

static st_err tables_of(arena *a, const st_attr *attrs, size_t n)
{
    const st_model m = {.name = "Book", .table = "books", .size = sizeof(Book), .attrs = attrs, .n_attrs = n};
    const st_table *t;
    return st_tables_of_models(a, (const st_model *const[]){&m, &Shelf_model}, 2, &t, &n);
}

static st_err nonsense(st_ops *o, int i)
{
    switch (i) {
    case 0:
        return st_create_index(o, "t", &(const st_table_index){.columns = {"a"}, .unique = true, .deferrable = 1});
    case 1:
        return st_add_check(o, "t", &(const st_table_check){"c", "a > 1", .deferrable = ST_DEFERRED});
    case 2:
        return st_add_fk(
            o, "t",
            &(const st_table_fk){.columns = {"a", "b"}, .table = "p", .to = {"a", "b"}, .on_update = ST_SET_DEFAULT});
    case 3:
        return st_defer_fk(o, "t", "t_fkey", ST_DEFERRED, ST_DEFERRED);
    case 4:
        return st_defer_fk(o, "t", NULL, ST_DEFERRED, ST_NOT_DEFERRABLE);
    case 5:
        return st_defer_primary_key(o, "t", NULL, ST_VALUES("id"), ST_DEFERRED, ST_NOT_DEFERRABLE);
    default:
        return st_defer_primary_key(o, "t", "t_pkey", ST_VALUES("a", "b", "c", "d", "e", "f", "g", "h", "i"),
                                    ST_DEFERRED, ST_NOT_DEFERRABLE);
    }
}

START_TEST(what_no_database_takes_is_refused_by_name)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    OK(tables_of(a, to_key, 4));
    CODE(tables_of(a, to_place, 5), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "points at shelves_place_key of shelves, which is deferrable"));
    CODE(tables_of(a, to_self, 5), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "points at the primary key of books, which is deferrable"));
    for (int i = 0; i < 7; i++) {
        st_ops o;
        migrate_ops_init(&o, a, ST_POSTGRESQL);
        CODE(nonsense(&o, i), ST_E_INVALID);
    }
}
END_TEST

RUN("strata migrate deferral", 120, CASE(what_is_deferred_is_checked_at_the_commit),
    CASE(autogenerate_changes_when_a_constraint_is_checked_and_back), CASE(words_that_stand_apart_are_read_and_changed),
    CASE(words_that_stand_apart_go_with_their_key), CASE(what_was_deferred_is_undone_when_it_is_given_up),
    CASE(who_alters_a_table_with_checks_to_come_is_told_how), CASE(a_session_hears_of_it_at_the_commit_and_goes_on),
    CASE(a_loaded_row_whose_key_went_back_to_its_default_is_read_anew),
    CASE(an_upsert_is_refused_by_what_may_be_deferred), CASE(what_no_database_takes_is_refused_by_name));
