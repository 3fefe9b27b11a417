#include "library.h"
#include "strata/define.h"
#include "strata/migrate/private.h"
#include "test.h"

typedef struct Owner {
    st_uuid tenant_id, id;
    const char *name;
} Owner;
typedef struct Site {
    st_uuid tenant_id, id;
} Site;
typedef struct Visit {
    st_uuid tenant_id, id, site_id;
    st_opt_uuid before;
    const char *path;
} Visit;
typedef struct Shared {
    int64_t id;
    st_uuid site_id;
} Shared;
ST_DECLARE(Owner);
ST_DECLARE(Site);
ST_DECLARE(Visit);
ST_DECLARE(Shared);

#define T Owner
ST_MODEL(Owner, "owners", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name, .unique = true),
         UNIQUE("owners_tenant_id_key", "tenant_id"));
#undef T
#define T Site
ST_MODEL(Site, "sites", REF(tenant_id, Owner, .tenant = true, .pk = true), COL(id, .pk = true),
         UNMAPPED("code", ST_TEXT, .null = true, .unique = true));
#undef T
#define T Visit
ST_MODEL(Visit, "visits", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), REF(site_id, Site),
         REF(before, Visit, .along = "site_id"), COL(path), UNIQUE("visits_site_key", "site_id", "id"),
         INDEX("visits_path_idx", "-path"));
#undef T
#define T Shared
ST_MODEL(Shared, "shared", COL(id, .pk = true), REF(site_id, Site));
#undef T

static arena *a;

static const st_table *tables(const st_model *const *models, size_t n)
{
    const st_table *t;
    size_t got;
    a = a ? a : arena_new(NULL, 0);
    ck_assert_ptr_nonnull(a);
    OK(st_tables_of_models(a, models, n, &t, &got));
    ck_assert_uint_eq(got, n);
    return t;
}

static const char *joined(const char *const v[static ST_KEY_MAX])
{
    const char *s = "";
    for (size_t i = 0; i < migrate_key_len(v); i++) {
        s = arena_printf(a, "%s%s%s", s, i ? "," : "", v[i]);
    }
    return s;
}

/* "name(columns)" of index i, or "name(columns)>table(columns)" of key i. */
static const char *index_of(const st_table *t, size_t i)
{
    ck_assert_uint_lt(i, t->n_indexes);
    return arena_printf(a, "%s(%s)", t->indexes[i].name, joined(t->indexes[i].columns));
}

static const char *key_of(const st_table *t, size_t i)
{
    ck_assert_uint_lt(i, t->n_fks);
    const st_table_fk *k = &t->fks[i];
    return arena_printf(a, "%s(%s)>%s(%s)", k->name, joined(k->columns), k->table, joined(k->to));
}

START_TEST(the_tenant_leads_uniques_and_indexes)
{
    const st_table *t = tables((const st_model *const[]){&Owner_model, &Site_model, &Visit_model}, 3);
    ck_assert_str_eq(index_of(&t[0], 0), "owners_name_key(tenant_id,name)");
    ck_assert_str_eq(index_of(&t[0], 1), "owners_tenant_id_key(tenant_id)");
    ck_assert_str_eq(index_of(&t[2], 1), "visits_path_idx(tenant_id,-path)");
    ck_assert(t[0].indexes[0].constraint && !t[2].indexes[1].unique);
}
END_TEST

START_TEST(a_column_without_a_member_may_be_unique)
{
    const st_model *const models[] = {&Owner_model, &Site_model};
    const st_table *t = tables(models, 2);
    ck_assert_uint_eq(t[1].n_indexes, 1);
    ck_assert_str_eq(joined(t[1].indexes[0].columns), "tenant_id,code");
    ck_assert(t[1].indexes[0].unique && t[1].indexes[0].constraint);
}
END_TEST

START_TEST(foreign_keys_carry_the_tenant)
{
    const st_table *t = tables((const st_model *const[]){&Owner_model, &Site_model, &Visit_model}, 3);
    ck_assert_str_eq(key_of(&t[1], 0), "sites_tenant_id_fkey(tenant_id)>owners(tenant_id)");
    ck_assert_str_eq(key_of(&t[2], 0), "visits_site_id_fkey(tenant_id,site_id)>sites(tenant_id,id)");
    ck_assert_str_eq(key_of(&t[2], 1), "visits_before_fkey(tenant_id,site_id,before)>visits(tenant_id,site_id,id)");
}
END_TEST

START_TEST(shared_tables_have_no_tenant)
{
    const st_table *t = tables(library_models, 4);
    ck_assert_str_eq(t[0].name, "countries");
    ck_assert_str_eq(key_of(&t[1], 0), "authors_country_fkey(country)>countries(code)");
    const st_model *const bad[] = {&Shared_model};
    size_t n;
    CODE(st_tables_of_models(a, bad, 1, &t, &n), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "site_id: a table without a tenant"));
}
END_TEST

START_TEST(parents_come_before_children)
{
    const st_table *t = tables((const st_model *const[]){&Visit_model, &Site_model, &Owner_model}, 3);
    ck_assert_str_eq(t[0].name, "owners");
    ck_assert_str_eq(t[1].name, "sites");
    ck_assert_str_eq(t[2].name, "visits");
}
END_TEST

START_TEST(columns_are_what_the_members_say)
{
    const st_table *t = tables(library_models, 4);
    const st_table *books = &t[2];
    ck_assert_str_eq(books->name, "books");
    const st_table_column *kind = migrate_column(books, "kind"), *mood = migrate_column(books, "mood"),
                          *meta = migrate_column(books, "metadata"), *rating = migrate_column(books, "rating"),
                          *tags = migrate_column(books, "tags");
    ck_assert(kind->type == ST_ENUM && !kind->nullable && strcmp(kind->values[1], "poems") == 0 && !kind->values[3]);
    ck_assert(mood->as_smallint && mood->nullable);
    ck_assert(meta->type == ST_JSON && meta->nullable && !migrate_column(books, "book_metadata"));
    ck_assert(rating->nullable && *rating->min_value == 0 && *rating->max_value == 5);
    ck_assert(tags->type == ST_TEXTS && !tags->nullable && tags->max == 3);
    ck_assert_ptr_null(migrate_column(books, "author"));
}
END_TEST

RUN("strata migrate tables", 10, CASE(the_tenant_leads_uniques_and_indexes),
    CASE(a_column_without_a_member_may_be_unique), CASE(foreign_keys_carry_the_tenant),
    CASE(shared_tables_have_no_tenant), CASE(parents_come_before_children), CASE(columns_are_what_the_members_say));
