/* source.h: what a statement reads from, and how its columns are named; private to the query layer.
 *
 * A model's address names a source. The one table of a plain statement goes by its own name; every source of a richer
 * query gets an alias of its own ("t1", "t2", ...), so that the same table may come several times. */
#ifndef STRATA_QUERY_SOURCE_H
#define STRATA_QUERY_SOURCE_H

#include "strata/query/text.h"
#include "strata/select.h"

struct st_source {
    const struct st_source *next; /* those that can be named beside it: joined before it, then the queries around */
    const st_model *model;        /* by which it is named: the mapper's, or an alias */
    const st_mapper *m;
    uint32_t number; /* of the alias; 0: the table of a plain statement */
    unsigned level;
};
struct st_column_ref {
    const struct st_source *source;
    const st_attr *attr;
};

/* The model behind an alias; NULL when aliases follow each other without end. */
const st_model *st_base_model(const st_model *m);
/* False after an error. */
bool st_find_column(struct st_pen *p, const st_model *model, uint32_t offset, struct st_column_ref *ret);
void st_put_ref(struct st_pen *p, struct st_column_ref c);
/* Fills in a new source named by model, in front of p->sources. False after an error. */
bool st_open_source(struct st_pen *p, const st_model *model, struct st_source *ret);
/* "authors" AS "t1" */
void st_put_source(struct st_pen *p, const struct st_source *s);
void st_put_cte_name(struct st_pen *p, const st_model *result);

void st_put_alias(struct st_pen *p, uint32_t number);

/* ---- join.c ---- */
/* Key to key, tenant to tenant. */
void st_put_keys(struct st_pen *p, const struct st_source *x, const st_attr *a, const struct st_source *y,
                 const st_attr *b);
void st_put_join(struct st_pen *p, const struct st_join *j, const struct st_source *joined);

/* ---- term.c ---- */
void st_put_term(struct st_pen *p, const st_term *t, unsigned depth);
/* The column whose values t has, or NULL: it says what an enum's names are. */
const st_attr *st_term_attr(struct st_pen *p, const st_term *t);
void st_put_sort(struct st_pen *p, const struct st_sort *sort, const char *first, unsigned depth);
void st_put_json(struct st_pen *p, const st_term *t); /* term_json.c */
/* PostgreSQL's name of a type, for casts. */
const char *st_cast_name(enum st_type type, bool as_smallint);

/* ---- read.c ---- */
enum st_reading_what { ST_READ_RESULT, ST_READ_MODEL, ST_READ_TERM, ST_READ_ONE };
struct st_reading {
    const struct st_read *q;
    enum st_reading_what what;
    const st_mapper *result; /* RESULT */
    const st_term *term;     /* TERM */
    enum st_type type;       /* TERM: what it is cast to, or 0 */
};
void st_walk_read(struct st_pen *p, const struct st_reading *r);
/* The only way from a query to SQL; confines each of its sources. */
struct st_compiler;
st_err st_compile_read(const struct st_compiler *c, const struct st_reading *r, struct st_stmt *ret);
void st_put_limits(struct st_pen *p, const struct st_query *q); /* select.c */

#endif
