/* All members of an object against their rules. It runs for each row that is written, so what most rows are made of
 * takes a short way. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "strata/model/mapper.h"
#include "strata/model/validate.h"
#include "strata/model/value.h"

/* A text that is there, or NULL. */
static const char *text_in(const struct st_column *c, const void *obj)
{
    const char *text = NULL;
    if (st_attr_type(c->attr) == ST_TEXT) {
        memcpy(&text, (const char *)obj + c->attr->offset, sizeof text);
    }
    return text;
}

/* A double that no rule is about but the one that it is a number; null where it may be. */
static bool is_free_number(const struct st_column *c, const void *obj)
{
    const st_attr *a = c->attr;
    if (st_attr_type(a) != ST_DOUBLE || a->min_value || a->max_value) {
        return false;
    }
    double x;
    memcpy(&x, (const char *)obj + a->offset, sizeof x);
    return !isnan(x);
}

static st_err check(const st_mapper *m, const struct st_column *c, const void *obj)
{
    const char *text = text_in(c, obj);
    if (text) {
        return st_validate_text(m->model, c->attr, str_of(text), c->pattern);
    }
    return !c->has_rules || is_free_number(c, obj) ? 0 : st_validate_attr(m->model, c->attr, obj, c->pattern);
}

st_err st_mapper_validate(const st_mapper *m, const void *obj)
{
    st_err rc = 0;
    for (uint32_t i = 0; i < m->n_columns && !rc; i++) {
        rc = m->columns[i].has_rules ? check(m, &m->columns[i], obj) : 0;
    }
    return rc;
}

/* The length is counted once for the check and the copy. */
static st_err take_text(const st_mapper *m, const struct st_column *c, const char *text, void *obj, arena *to)
{
    str s = str_of(text);
    st_err rc = st_validate_text(m->model, c->attr, s, c->pattern);
    const char *copy = rc ? NULL : arena_memdup0(to, s.p, s.len);
    if (copy) {
        memcpy((char *)obj + c->attr->offset, &copy, sizeof copy);
    }
    return rc || copy ? rc : diag_nomem();
}

st_err st_mapper_take(const st_mapper *m, void *obj, arena *to)
{
    for (uint32_t i = 0; i < m->n_columns; i++) {
        const struct st_column *c = &m->columns[i];
        if (!c->has_rules && !c->points) {
            continue;
        }
        const char *text = text_in(c, obj);
        st_err rc = text ? take_text(m, c, text, obj, to) : check(m, c, obj);
        rc = rc || text || !c->points || st_value_keep(c->attr, obj, to) == 0 ? rc : diag_nomem();
        if (rc) {
            return rc;
        }
    }
    return 0;
}
