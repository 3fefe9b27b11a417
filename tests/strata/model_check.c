/* What a descriptor may not say, and that it is told by name. */
#include "library.h"
#include "strata/define.h"
#include "test.h"

typedef struct Thing {
    st_uuid tenant_id, id, other;
    const char *name;
    int32_t n;
    unsigned state;
    st_opt_uuid maybe;
    st_list parts;
} Thing;
#define T Thing
ST_ENUM_DEFINE(twice_enum, "a", "b", "a");
ST_ENUM_DEFINE(ab_enum, "a", "b");

static st_err make_nothing(struct st_session *s, const void *row, arena *a, st_value *ret)
{
    (void)s;
    (void)row;
    (void)a;
    (void)ret;
    return 0;
}

/* Declares model x_model of the attributes, behind a sound key. */
#define THING(x, ...) ST_MODEL_NAMED(x, COL(id, .pk = true), __VA_ARGS__)
#define ST_MODEL_NAMED(x, ...)                                \
    static const st_attr x##_attrs[] = {__VA_ARGS__};         \
    static const st_model x##_model = {.name = "Thing",       \
                                       .table = "things",     \
                                       .size = sizeof(Thing), \
                                       .attrs = x##_attrs,    \
                                       .n_attrs = sizeof x##_attrs / sizeof *x##_attrs}

ST_MODEL_NAMED(no_key, COL(name));
THING(null_key, COL(maybe, .pk = true));
THING(two_tenants, COL(tenant_id, .tenant = true), COL(other, .tenant = true));
THING(text_tenant, COL(name, .tenant = true));
THING(text_version, COL(name, .version = true));
THING(number_timestamp, COL(n, .created = true));
THING(nameless_enum, COL(state));
THING(twice_named_enum, COL(state, .enumeration = &twice_enum));
THING(enumerated_number, COL(n, .enumeration = &twice_enum));
THING(numbered_type, COL(state, .enumeration = &ab_enum, .as_smallint = true, .enum_type = "kind"));
THING(zero_default, COL(n, .client_value = CONSTANT(n, 7)));
THING(two_defaults, COL(name, .client_value = CONSTANT(name, "x"), .client_default = make_nothing));
THING(made_version, COL(n, .version = true, .client_update = make_nothing));
THING(made_key, COL(other, .pk = true, .client_update = make_nothing));
THING(not_null_text, COL(name, .not_null = true));
THING(limited_number, COL(n, .max = 3));
THING(ranged_text, COL(name, .max_value = ST_NUMBER(3)));
THING(bad_pattern, COL(name, .pattern = "(["));
THING(null_scalar, COL(n, .null = true));
THING(same_column, COL(name, .column = "x"), COL(n, .column = "x"));
THING(same_member, COL(name), COL(name, .column = "y"));
THING(reference_of_other_type, COL(name, .references = &Author_model));
THING(lost_companion, COL(other, .references = &Author_model, .along = "nowhere"));
THING(lost_relation, MANY(parts, Author, nowhere));
THING(lost_index, INDEX("things_x_idx", "nowhere"));
THING(empty_unique, UNIQUE("things_x_key", NULL));
#undef T

static void refuses(const st_model *m, const char *word)
{
    CODE(st_model_check(m), ST_E_INVALID);
    ck_assert_msg(strstr(test_diag(), "model Thing"), "%s", test_diag());
    ck_assert_msg(strstr(test_diag(), word), "no \"%s\" in: %s", word, test_diag());
}

START_TEST(sound_models_pass)
{
    for (size_t i = 0; library_models[i]; i++) {
        OK(st_model_check(library_models[i]));
    }
}
END_TEST

START_TEST(every_mistake_is_refused_by_name)
{
    refuses(&no_key_model, "no primary key");
    refuses(&null_key_model, "maybe");
    refuses(&two_tenants_model, "more than one tenant");
    refuses(&text_tenant_model, "name: the tenant");
    refuses(&text_version_model, "version");
    refuses(&number_timestamp_model, "timestamp");
    refuses(&nameless_enum_model, "enumeration");
    refuses(&twice_named_enum_model, "twice");
    refuses(&enumerated_number_model, "enumeration");
    refuses(&numbered_type_model, ".as_smallint or .enum_type");
    refuses(&zero_default_model, "st_opt_");
    refuses(&two_defaults_model, ".client_value and .client_default");
    refuses(&made_version_model, "keeps it");
    refuses(&made_key_model, "never changes");
    refuses(&not_null_text_model, ".not_null");
    refuses(&limited_number_model, ".max");
    refuses(&ranged_text_model, ".max_value");
    refuses(&bad_pattern_model, "offset");
    refuses(&null_scalar_model, "st_opt_");
    refuses(&same_column_model, "already there");
    refuses(&same_member_model, "named twice");
    refuses(&reference_of_other_type_model, "references Author");
    refuses(&lost_companion_model, "carries along");
    refuses(&lost_relation_model, "nowhere");
    refuses(&lost_index_model, "nowhere");
    refuses(&empty_unique_model, "no column");
}
END_TEST

START_TEST(attributes_are_found_by_name_and_by_place)
{
    const st_attr *a = st_model_attr(&Book_model, "book_metadata");
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(st_attr_column(a), "metadata");
    ck_assert_ptr_eq(st_model_attr_at(&Book_model, offsetof(Book, book_metadata)), a);
    ck_assert_ptr_null(st_model_attr(&Book_model, "metadata"));
    ck_assert_ptr_null(st_model_attr_at(&Book_model, 3));
    ck_assert_str_eq(st_model_tenant(&Book_model)->name, "tenant_id");
    ck_assert_ptr_null(st_model_tenant(&Country_model));
    ck_assert(st_attr_nullable(st_model_attr(&Book_model, "rating")));
    ck_assert(!st_attr_nullable(st_model_attr(&Book_model, "price")));
}
END_TEST

RUN("model_check", 10, CASE(sound_models_pass), CASE(every_mistake_is_refused_by_name),
    CASE(attributes_are_found_by_name_and_by_place));
