/* text.h: the pen of the compiler; private to the query layer.
 *
 * A statement is walked by one function, which both describes its shape and writes its text. The first walk collects
 * the shape's key and the parameters; when no plan of that key is kept, a second, same walk writes the SQL. So key,
 * parameters and placeholders cannot disagree. Errors stick in err. */
#ifndef STRATA_QUERY_TEXT_H
#define STRATA_QUERY_TEXT_H

#include "base/arena.h"
#include "strata/query/registry.h"

struct st_source;
struct st_cte;
enum { SHARED_PARAMS = 32 };
struct st_pen {
    st_registry *reg;
    const st_mapper *m; /* of the statement's first source */
    const struct st_scope *scope;
    const struct st_source *sources; /* that can be named here, the innermost first */
    unsigned level;                  /* of subqueries */
    uint32_t n_sources;
    const struct st_cte *with; /* the first n_with of them can be named here */
    uint32_t n_with;
    uint32_t shared[SHARED_PARAMS]; /* numbers of parameters that terms may use again */
    uint32_t n_shared;
    arena *scratch; /* parameters, and values made on the way */
    bool writing;   /* the second walk */
    bool long_lists;
    st_value *params;
    size_t n_params, room;
    uint32_t nodes; /* of the condition, as often as it names them */
    st_err err;
};

/* Adds to the key: whatever decides about the text. */
void st_shape_byte(struct st_pen *p, unsigned char b);
void st_shape_u32(struct st_pen *p, uint32_t v);
void st_shape_ptr(struct st_pen *p, const void *v);

/* Adds to the text. */
void st_put(struct st_pen *p, const char *text);
void st_put_name(struct st_pen *p, const char *name); /* quoted, so that no word is reserved */
void st_put_column(struct st_pen *p, const st_attr *a);
/* The number behind a placeholder's sign. */
void st_put_number(struct st_pen *p, size_t n);

/* A parameter and its placeholder. */
void st_put_param(struct st_pen *p, const st_value *v);
/* A parameter of a term: equal ones are one, so that a term is the same text in SELECT, GROUP BY and ORDER BY. Writes
 * nothing; returns the number for st_put_number, 0 after an error. */
size_t st_share_param(struct st_pen *p, const st_value *v);
/* Makes room for n parameters at once; what follows does not grow. */
void st_reserve_params(struct st_pen *p, size_t n);

void st_fail(struct st_pen *p, st_err rc); /* the first failure counts */

static inline bool st_is_pg(const struct st_pen *p)
{
    return p->reg->dialect == ST_POSTGRESQL;
}

#endif
