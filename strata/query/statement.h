/* statement.h: a statement before it is text; private to the query layer. */
#ifndef STRATA_QUERY_STATEMENT_H
#define STRATA_QUERY_STATEMENT_H

#include "strata/query/query.h"
#include "strata/query/source.h"
#include "strata/query/text.h"
#include "strata/query/where.h"

enum st_form {
    ST_F_SELECT = 1,
    ST_F_COUNT,
    ST_F_INSERT,
    ST_F_UPDATE,
    ST_F_DELETE,
    ST_F_UPDATE_WHERE,
    ST_F_DELETE_WHERE,
    ST_F_BULK,
    ST_F_BULK_UPDATE, /* SQLite's second half of an upsert */
    ST_F_COPY,
    ST_F_JOINED,
    ST_F_READ /* confines each of its sources itself */
};

struct st_statement {
    enum st_form form;
    const st_mapper *m;
    const st_expr *where; /* as the caller said; st_compile replaces it by the scoped one */
    bool confined;        /* out of st_compile: all rows are of the scope's tenant */
    bool by_key;          /* touches one row; of SELECT and COUNT found out when their plan is made */
    const struct st_query *query;
    const void *row;         /* INSERT, UPDATE */
    const uint32_t *columns; /* UPDATE: numbers of those to write */
    size_t n_columns;
    const struct st_assign *set; /* UPDATE_WHERE */
    size_t n_set;
    st_time now;
    const uint32_t *conflict, *update; /* BULK: numbers of columns; update NULL: do nothing */
    size_t n_conflict, n_update;
    const struct st_reading *reading;   /* READ */
    const struct st_joined_part *parts; /* JOINED */
    uint32_t n_parts;
};

/* Confines st to the scope, walks it, and finds or makes its plan. The only way from a statement to SQL. */
st_err st_compile(const struct st_compiler *c, struct st_statement *st, struct st_stmt *ret);

/* The walks, by form. */
/* Whether the conditions that all hold name every column of the model's own key or of one of its unique constraints. */
bool st_is_point(const st_mapper *m, const st_expr *where);
void st_walk_select(struct st_pen *p, const struct st_statement *st);
void st_walk_joined(struct st_pen *p, const struct st_statement *st);
void st_put_select(struct st_pen *p, const struct st_statement *st); /* SELECT's text, of its table alone */
void st_walk_insert(struct st_pen *p, const struct st_statement *st);
void st_walk_update(struct st_pen *p, const struct st_statement *st);
void st_walk_delete(struct st_pen *p, const struct st_statement *st);
void st_walk_bulk(struct st_pen *p, const struct st_statement *st);
void st_walk_copy(struct st_pen *p, const struct st_statement *st);
void st_walk_bulk_update(struct st_pen *p, const struct st_statement *st);

#endif
