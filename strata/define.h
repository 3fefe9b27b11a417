/* define.h: the short words for writing descriptors; include it only in files that define models.
 * T names the struct meanwhile: #define T Domain ... #undef T. */
#ifndef STRATA_DEFINE_H
#define STRATA_DEFINE_H

#include "strata/model.h"

/* clang-format off */
#define COL(member, ...)                                                                               \
    {.kind = ST_A_COLUMN, .name = #member, .type = ST_TYPE_OF(((T *)0)->member),                       \
     .offset = offsetof(T, member), .size = sizeof(((T *)0)->member), __VA_ARGS__}
/* The columns of ST_BASE: BASE_KEY() in front, its arguments for the tenant's column (.references = &Tenant_model), and
 * BASE_STAMPS behind. The session fills them all in. */
#define BASE_KEY(...) COL(tenant_id, .tenant = true, .pk = true, __VA_ARGS__), COL(id, .pk = true)
#define BASE_STAMPS                                                                                    \
    COL(created_at, .created = true, .default_sql = "now()"),                                          \
        COL(updated_at, .updated = true, .default_sql = "now()"),                                      \
        COL(version, .version = true, .default_sql = "1")
/* COL(state, .not_null = true, .client_value = CONSTANT(state, QUEUED, true)): of the member's C type, so that of an
 * st_opt_ member it is {value, true}. */
#define CONSTANT(member, ...) (&(const __typeof__(((T *)0)->member)){__VA_ARGS__})
/* A foreign key column to the primary key of another model. */
#define REF(member, target_, ...) COL(member, .references = &target_##_model, __VA_ARGS__)
/* Relations; their members are an st_list and an st_ref. */
#define MANY(member, target_, via_, ...)                                                               \
    {.kind = ST_A_MANY, .name = #member, .offset = offsetof(T, member),                                \
     .size = _Generic(((T *)0)->member, st_list: sizeof(st_list)), .target = &target_##_model,         \
     .via = #via_, __VA_ARGS__}
/* Many-to-many: rows of through_ hold this model's key in via_ and the target's in far_via_. */
#define MANY_THROUGH(member, target_, through_, via_, far_via_, ...)                                   \
    MANY(member, target_, via_, .through = &through_##_model, .far_via = #far_via_, __VA_ARGS__)
#define ONE(member, target_, via_, ...)                                                                \
    {.kind = ST_A_ONE, .name = #member, .offset = offsetof(T, member),                                 \
     .size = _Generic(((T *)0)->member, st_ref: sizeof(st_ref)), .target = &target_##_model,           \
     .via = #via_, __VA_ARGS__}
#define UNIQUE(name_, ...) {.kind = ST_A_UNIQUE, .name = name_, .columns = (const char *const[]){__VA_ARGS__, NULL}}
#define INDEX(name_, ...) {.kind = ST_A_INDEX, .name = name_, .columns = (const char *const[]){__VA_ARGS__, NULL}}
/* The same with options: INDEX_ON("notes_at", MEMBERS("-at nulls last"), .include = MEMBERS("title")). */
#define UNIQUE_ON(name_, columns_, ...) {.kind = ST_A_UNIQUE, .name = name_, .columns = columns_, __VA_ARGS__}
#define INDEX_ON(name_, columns_, ...) {.kind = ST_A_INDEX, .name = name_, .columns = columns_, __VA_ARGS__}
#define CHECK(name_, sql) {.kind = ST_A_CHECK, .name = name_, .check = sql}
#define EXCLUDE(name_, sql, ...) {.kind = ST_A_CHECK, .name = name_, .check = sql, .exclude = true, __VA_ARGS__}
/* PRIMARY_KEY(.deferrable = ST_DEFERRED): what the key of the .pk columns says besides. */
#define PRIMARY_KEY(...) {.kind = ST_A_PRIMARY_KEY, __VA_ARGS__}
/* What REF cannot say: FOREIGN_KEY("a_b_fkey", Other, MEMBERS("x", "y"), MEMBERS("x", "y"), .on_delete = ST_CASCADE). */
#define MEMBERS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FOREIGN_KEY(name_, target_, columns_, to_, ...)                                                \
    {.kind = ST_A_FOREIGN_KEY, .name = name_, .target = &target_##_model, .columns = columns_, .to = to_, __VA_ARGS__}
/* A column without a member: UNMAPPED("price", ST_TYPE_NONE, .type_sql = "numeric(10,2)", .null = true). */
#define UNMAPPED(column_, type_, ...)                                                                  \
    {.kind = ST_A_UNMAPPED, .name = column_, .type = (unsigned)(type_), __VA_ARGS__}
#define COMMENT(text) {.kind = ST_A_COMMENT, .comment = text}
/* The members of an st_table_policy and an st_table_trigger, which strata/migrate.h has. */
#define POLICY(...) {.kind = ST_A_POLICY, .policy = &(const struct st_table_policy){__VA_ARGS__}}
#define TRIGGER(...) {.kind = ST_A_TRIGGER, .trigger = &(const struct st_table_trigger){__VA_ARGS__}}

#define ST_MODEL(type, table_, ...)                                         \
    static const st_attr type##_attrs[] = {__VA_ARGS__};                    \
    const st_model type##_model = {.name = #type, .table = table_, .size = sizeof(type), \
                                   .attrs = type##_attrs,                   \
                                   .n_attrs = sizeof type##_attrs / sizeof *type##_attrs}
/* What a query of select.h returns: a plain struct without a table. It may name a CTE as well. */
#define ST_RESULT(type, ...)                                                \
    static const st_attr type##_attrs[] = {__VA_ARGS__};                    \
    const st_model type##_model = {.name = #type, .size = sizeof(type), .attrs = type##_attrs, \
                                   .n_attrs = sizeof type##_attrs / sizeof *type##_attrs}
/* clang-format on */

#endif
