/* query.h: statements on models as SQL with parameters; private to Strata.
 *
 * Every function compiles one statement within a scope (scope.h) and fills in sql, id, params, n_params and quick of
 * ret, leaving its other fields alone. Parameters live in the compiler's scratch arena, SQL with the engine (or in
 * scratch when the registry is full). Conditions keep the meaning that expr.h gives them on both databases. */
#ifndef STRATA_QUERY_QUERY_H
#define STRATA_QUERY_QUERY_H

#include "strata/query/registry.h"
#include "strata/query/scope.h"
#include "strata/session.h"

struct st_compiler {
    st_registry *reg;
    const struct st_scope *scope;
    arena *scratch;
    bool long_lists; /* lists that go as one parameter may have LONG_LIST_MAX items: of loaders */
};

/* All columns of m in their order, so that m->shape reads the rows. q may be NULL. */
st_err st_compile_select(const struct st_compiler *c, const st_mapper *m, const st_expr *where,
                         const struct st_query *q, struct st_stmt *ret);
/* The same with related objects behind each, by outer joins: the columns of all parts in their order. Part 0 is the
 * object itself; its row comes as often as there are related ones, and at least once. */
struct st_joined_part {
    const st_mapper *m;
    const struct st_load *plan;    /* its condition and order; of part 0 NULL, as what follows */
    const struct st_relation *rel; /* from the part `parent`, which stands before this one */
    const st_mapper *between;      /* of a many-to-many */
    uint32_t parent;
};
st_err st_compile_joined(const struct st_compiler *c, const struct st_joined_part *parts, uint32_t n,
                         const st_expr *where, const struct st_query *q, struct st_stmt *ret);
st_err st_compile_count(const struct st_compiler *c, const st_mapper *m, const st_expr *where, struct st_stmt *ret);

/* One row. On PostgreSQL a guarded statement fails with SQLSTATE 22012 unless it touched its row, so that a COMMIT
 * behind it in the same pipeline does not happen; on SQLite the caller looks at affected. */
st_err st_compile_insert(const struct st_compiler *c, const st_mapper *m, void *row, struct st_stmt *ret);
/* Writes the n columns (numbers, rising) of row. version, when not NULL, is what the row's version must still be. */
st_err st_compile_update(const struct st_compiler *c, const st_mapper *m, const void *row, const uint32_t *columns,
                         size_t n, const st_value *version, struct st_stmt *ret);
st_err st_compile_delete(const struct st_compiler *c, const st_mapper *m, const void *row, const st_value *version,
                         struct st_stmt *ret);

/* By criteria. Counts versions on and sets the updated timestamp to now. */
st_err st_compile_update_where(const struct st_compiler *c, const st_mapper *m, const st_expr *where,
                               const struct st_assign *set, size_t n, st_time now, struct st_stmt *ret);
st_err st_compile_delete_where(const struct st_compiler *c, const st_mapper *m, const st_expr *where,
                               struct st_stmt *ret);

/* Many rows; fills in all of ret but its results. Rows of another tenant are refused, rows of none stamped. */
st_err st_compile_bulk(const struct st_compiler *c, const st_mapper *m, void *const *rows, size_t n,
                       const struct st_bulk_options *o, struct st_bulk *ret);
/* Many rows from a source, by COPY: 1 and a row, 0 when there are no more, or a negative code. Refuses and stamps each
 * as st_compile_bulk does. */
struct st_copying {
    struct st_copy copy;
    const struct st_scope *scope; /* the compiler's: must live as long */
    const st_mapper *m;
    int (*source)(void *arg, void **ret);
    void *arg;
};
st_err st_compile_copy(const struct st_compiler *c, const st_mapper *m, int (*source)(void *arg, void **ret), void *arg,
                       struct st_copying *ret);
/* Whether COPY is refused, as row-level security holds for the role: one row of one bool. PostgreSQL. */
st_err st_compile_copy_check(const struct st_compiler *c, const st_mapper *m, struct st_stmt *ret);
/* The numbers of the columns that make rows the same in o->conflict, the tenant's included; in scratch. */
st_err st_conflict_columns(const struct st_compiler *c, const st_mapper *m, const uint32_t *conflict,
                           const uint32_t **ret, size_t *ret_n);

#endif
