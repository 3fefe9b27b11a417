/* What makes no sense is refused when it is recorded, by a sentence that names it; and then nothing else is taken. */
#include "strata/migrate/private.h"
#include "test.h"

static arena *a;

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

START_TEST(nonsense_is_refused_by_name)
{
    a = arena_new(NULL, 0);
    ck_assert_ptr_nonnull(a);
    static const st_table_column text = {"c", ST_TEXT}, key = {"c", ST_TEXT, .pk = true}, other = {"d", ST_TEXT};
#define REFUSED(call, words)                                                            \
    do {                                                                                \
        st_ops ops, *o = &ops;                                                          \
        migrate_ops_init(o, a, ST_SQLITE);                                              \
        CODE(call, ST_E_INVALID);                                                       \
        ck_assert_msg(says(words), "%s (%s)", diag_last()->message, diag_last()->hint); \
        CODE(st_drop_table(o, "t"), ST_E_INVALID);                                      \
    } while (0)
    REFUSED(st_add_column(o, "t", &key), "use st_change_primary_key");
    REFUSED(st_alter_column(o, "t", &text, &other, NULL), "rename it first");
    REFUSED(st_alter_column(o, "t", &text, &key, NULL), "primary key");
    REFUSED(st_rename_table(o, "t", ""), "name of the table");
    REFUSED(st_rename_column(o, NULL, "a", "b"), "names the table \"\"");
    REFUSED(st_add_check(o, "t", &(const st_table_check){"x", NULL, false}), "a condition");
    REFUSED(st_add_fk(o, "t", &(const st_table_fk){.columns = {"a"}, .table = "u"}), "as many columns");
    REFUSED(st_drop_constraint(o, "t", 0, "x"), "no kind of constraint");
    REFUSED(st_change_primary_key(o, "t", NULL, NULL, NULL), "names no columns");
    REFUSED(
        st_create_enum(o,
                       &(const st_enum_type){
                           "e", ST_VALUES("", "sixty_four_bytes_sixty_four_bytes_sixty_four_bytes_sixty_four_bytes")}),
        "value 2");
    REFUSED(st_add_enum_value(o, "e", NULL, NULL), "the enum \"e\"");
    REFUSED(st_create_policy(o, "t", &(const st_table_policy){"p", "TRUNCATE", .using_sql = "true"}), "SELECT, INSERT");
    REFUSED(st_create_trigger(o, "t", &(const st_table_trigger){.name = "x", .when = "BEFORE UPDATE OR"}), "such as");
    REFUSED(st_create_trigger(o, "t", &(const st_table_trigger){.name = "x", .when = "AFTER INSERT OF a"}), "such as");
    REFUSED(st_create_trigger(o, "t", &(const st_table_trigger){.name = "x", .when = "AFTER DELETE OR DELETE"}),
            "such as");
    REFUSED(st_create_trigger(o, "t", &(const st_table_trigger){"x", "AFTER DELETE", NULL, "$strata$", NULL}),
            "quotes it");
    REFUSED(st_add_column(o, "t", &(const st_table_column){"c", ST_TEXT, .type_sql = "text"}), "two types");
    REFUSED(st_add_column(o, "t", &(const st_table_column){"c", ST_TEXT, .identity = true}), "identity");
    REFUSED(st_add_column(o, "t", &(const st_table_column){"c", ST_TEXT, .enum_type = "e"}), "ST_ENUM");
    REFUSED(st_add_column(o, "t", &(const st_table_column){"c", ST_TEXT, .generated = "1", .default_sql = "1"}),
            "is generated");
    REFUSED(ST_INSERT_ROWS(o, "t", ST_VALUES("a", "b"), {.type = ST_INT64, .i64 = 1}), "1 values for 2 columns");
    REFUSED(ST_INSERT_ROWS(o, "t", ST_VALUES("a"), {0}), "row 1 to insert: the value of a has no type");
    REFUSED(st_run_step(o, "x", NULL, NULL), "needs a function");
    REFUSED(st_run_backfill(o, &(const st_backfill){.table = "t"}), "nothing to set");
    arena_free(a);
}
END_TEST

RUN("strata migrate record", 10, CASE(nonsense_is_refused_by_name));
