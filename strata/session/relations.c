/* Relations are read through these, so that one that was not loaded is an error and never a hidden query. */
#include <errno.h>

#include "strata/model/value.h"
#include "strata/session/relations.h"

static st_err not_loaded(const st_model *m, const char *member)
{
    st_err rc = diag_set(ST_E_NOT_LOADED, "%s.%s was not loaded", m->name, member);
    diag_hint(".with = ST_SELECTIN(%s, %s) in the select loads it, or st_load(s, %s, obj, %s) now", m->name, member,
              m->name, member);
    return rc;
}

static const struct st_relation *relation_named(const st_mapper *m, const char *member)
{
    const st_attr *a = st_model_attr(m->model, member);
    return a ? st_mapper_relation_at(m, a->offset) : NULL;
}

/* Whether the list's item still belongs to its owner. */
static bool belongs(const struct st_relation *r, const void *owner, const void *item)
{
    return !(row_of(item)->flags & (ROW_GONE | ROW_DELETE)) &&
           (r->kind != ST_R_MANY || keys_same(r->far, item, r->near, owner));
}

/* Drops from the list what was deleted or moved elsewhere meanwhile. The old items stay for who is just walking them.
 */
static st_err freshen(st_session *s, const struct st_relation *r, const void *owner, st_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        n += belongs(r, owner, list->items[i]);
    }
    if (n == list->n) {
        return 0;
    }
    const void **items = ARENA_ARRAY(s->arena, const void *, n);
    if (!items) {
        return diag_nomem();
    }
    n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (belongs(r, owner, list->items[i])) {
            items[n++] = list->items[i];
        }
    }
    *list = (st_list){.items = items, .n = n, .loaded = true};
    return 0;
}

static st_err read_many(st_session *s, const st_model *m, const char *member, const st_list *list, st_rows *ret)
{
    const st_mapper *mapper;
    st_err rc = session_mapper(s, m, &mapper);
    const struct st_relation *r = rc ? NULL : relation_named(mapper, member);
    if (rc || !r) {
        return rc ? rc : diag_set(ST_E_INVALID, "%s has no relation %s in its descriptor", m->name, member);
    }
    const void *owner = (const char *)list - r->attr->offset;
    if (!list->loaded && !(row_of(owner)->flags & ROW_NEW)) {
        return not_loaded(m, member);
    }
    rc = s->lists_stale ? freshen(s, r, owner, relation_list(r, owner)) : 0;
    *ret = (st_rows){.items = list->items, .n = list->n};
    return rc;
}

st_rows st_many_(st_session *s, const st_model *m, const char *member, const st_list *list)
{
    st_rows rows = {.n = 0};
    st_err rc = session_enter(s);
    rc = rc ? rc : session_leave(s, read_many(s, m, member, list, &rows));
    return rc ? (st_rows){.err = rc} : rows;
}

static st_err read_one(st_session *s, const st_model *m, const char *member, const st_ref *ref, const void **ret)
{
    const st_mapper *mapper;
    st_err rc = session_mapper(s, m, &mapper);
    const struct st_relation *r = rc ? NULL : relation_named(mapper, member);
    if (rc || !r) {
        return rc ? rc : diag_set(ST_E_INVALID, "%s has no relation %s in its descriptor", m->name, member);
    }
    const void *owner = (const char *)ref - r->attr->offset;
    const void *item = ref->loaded ? ref->item : NULL;
    bool is_new = row_of(owner)->flags & ROW_NEW;
    bool null = r->kind == ST_R_ONE ? st_value_is_null(r->near, owner) : is_new;
    if (!ref->loaded && !null) {
        return not_loaded(m, member);
    }
    if (item && (row_of(item)->flags & (ROW_GONE | ROW_DELETE) || !keys_same(r->near, owner, r->far, item))) {
        if (r->kind == ST_R_ONE && !null && !keys_same(r->near, owner, r->far, item)) {
            return not_loaded(m, member); /* the key was changed, and what it points at now is not known */
        }
        item = NULL;
    }
    *ret = item;
    return 0;
}

const void *st_one_(st_session *s, const st_model *m, const char *member, const st_ref *ref)
{
    const void *item = NULL;
    if (session_enter(s) != 0) {
        return NULL;
    }
    return session_leave(s, read_one(s, m, member, ref, &item)) ? NULL : item;
}
