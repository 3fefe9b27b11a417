#include <errno.h>
#include <string.h>

#include "strata/model/mapper.h"
#include "strata/model/validate.h"
#include "strata/model/value.h"

/* Most of what rows hold; its length is counted once for the check and the copy. */
static st_err take_text(const st_mapper *m, const struct st_column *c, const char **at, arena *to)
{
    str s = str_of(*at);
    st_err rc = st_validate_text(m->model, c->attr, s, c->pattern);
    const char *copy = rc ? NULL : arena_memdup0(to, s.p, s.len);
    if (copy) {
        *at = copy;
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
        char *at = (char *)obj + c->attr->offset;
        const char *text = NULL;
        if (st_attr_type(c->attr) == ST_TEXT) {
            memcpy(&text, at, sizeof text);
        }
        st_err rc;
        if (text) {
            rc = take_text(m, c, &text, to);
            memcpy(at, &text, sizeof text);
        } else {
            rc = c->has_rules ? st_validate_attr(m->model, c->attr, obj, c->pattern) : 0;
            rc = rc || !c->points || st_value_keep(c->attr, obj, to) == 0 ? rc : diag_nomem();
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}
