/* Relations are read through these, so that one that was not loaded is an error and never a hidden query. */
#include "strata/session/internal.h"

static st_err not_loaded(const st_model *m, const char *member)
{
    st_err rc = diag_set(ST_E_NOT_LOADED, "%s.%s was not loaded", m->name, member);
    diag_hint(".with = ST_SELECTIN(%s, %s) in the select loads it, or st_load(s, %s, obj, %s) now", m->name, member,
              m->name, member);
    return rc;
}

st_rows st_many_(st_session *s, const st_model *m, const char *member, const st_list *list)
{
    st_rows rows = {.n = 0};
    st_err rc = session_enter(s);
    if (!rc && list->loaded) {
        rows = (st_rows){.items = list->items, .n = list->n};
    }
    rows.err = rc ? rc : session_leave(s, list->loaded ? 0 : not_loaded(m, member));
    return rows;
}

const void *st_one_(st_session *s, const st_model *m, const char *member, const st_ref *ref)
{
    if (session_enter(s) != 0) {
        return NULL;
    }
    return session_leave(s, ref->loaded ? 0 : not_loaded(m, member)) ? NULL : ref->item;
}
