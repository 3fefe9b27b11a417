/* text.h: the pen of the compiler; private to the query layer.
 *
 * A statement is walked by one function, which both describes its shape and writes its text. The first walk collects
 * the shape's key and the parameters; when no plan of that key is kept, a second, same walk writes the SQL. So key,
 * parameters and placeholders cannot disagree. Errors stick in err. */
#ifndef STRATA_QUERY_TEXT_H
#define STRATA_QUERY_TEXT_H

#include "base/arena.h"
#include "strata/query/registry.h"

struct st_pen {
    st_registry *reg;
    const st_mapper *m; /* of the statement's one source; joins will add more */
    arena *scratch;     /* parameters, and values made on the way */
    bool writing;       /* the second walk */
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
/* Makes room for n parameters at once; what follows does not grow. */
void st_reserve_params(struct st_pen *p, size_t n);

static inline bool st_is_pg(const struct st_pen *p)
{
    return p->reg->dialect == ST_POSTGRESQL;
}

#endif
