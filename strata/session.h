/* session.h: one tenant's unit of work over one transaction.
 *
 * A session is opened for one tenant; the compiler puts that tenant into every statement on a model that has a
 * tenant column. It takes a connection at its first statement and gives it back at commit, rollback or close.
 * Loads return const objects that live until the session is closed or st_expunge_all; the same row is always the same
 * object (identity map). st_edit() snapshots an object and returns it writable; commit writes just what
 * changed. Strings given to add or edit must live until the flush; the session copies none.
 * A failed statement leaves the session failed: everything but rollback and close returns the same code. */
#ifndef STRATA_SESSION_H
#define STRATA_SESSION_H

#include "base/arena.h"
#include "base/json.h"
#include "strata/engine.h"
#include "strata/expr.h"

typedef struct st_session st_session;

struct st_session_options {
    st_uuid tenant;        /* nil: only models without a tenant column, unless system is given */
    const char *system;    /* the reason for working across tenants; recorded through on_audit of the engine */
    bool read_only;        /* SQLite: runs on a reader */
    int64_t deadline;      /* for every statement; 0: none but the fiber's */
};
st_err st_session_open(st_engine *e, const struct st_session_options *options, st_session **ret);
void st_session_close(st_session *s); /* rolls back what was not committed; NULL is fine */
/* ST_SESSION(s, engine, .tenant = t); declares s, closed on every way out of the scope. s is never NULL: when opening
 * failed (out of memory), every call on it returns the code. */
#define ST_SESSION(name, engine, ...)                                                          \
    __attribute__((cleanup(st_session_closep))) st_session *name =                            \
        st_session_start((engine), &(const struct st_session_options){__VA_ARGS__})
st_session *st_session_start(st_engine *e, const struct st_session_options *options);
void st_session_closep(st_session **s);
st_err st_session_error(const st_session *s); /* the code that made it fail, or 0 */
arena *st_session_arena(st_session *s);       /* lives as long as what the session loads */

/* ---- reading ---- */
typedef struct st_rows {
    const void *const *items;
    size_t n;
    st_err err; /* also kept by the session */
} st_rows;
struct st_query {
    const struct st_order *order; /* ST_ORDER(...); the primary key is added as the last tie-break when limit is set */
    uint64_t limit;               /* 0: no limit */
    uint64_t offset;
    bool for_update;              /* FOR NO KEY UPDATE on PostgreSQL; nothing on SQLite, whose writer is alone */
};
#define st_select(s, T_, where, ...) \
    st_select_((s), &T_##_model, (where), &(const struct st_query){__VA_ARGS__})
st_rows st_select_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q);
/* The first row or NULL: with an error in st_session_error(s), or none matched. */
#define st_first(s, T_, where, ...) \
    ((const T_ *)st_first_((s), &T_##_model, (where), &(const struct st_query){__VA_ARGS__}))
const void *st_first_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q);
/* By primary key (the tenant's part comes from the session); from the identity map when it is there. NULL as above. */
#define st_get(s, T_, id) ((const T_ *)st_get_((s), &T_##_model, st_v_uuid(id)))
const void *st_get_(st_session *s, const st_model *m, st_value key);
#define st_count(s, T_, where, ret_n) st_count_((s), &T_##_model, (where), (ret_n))
st_err st_count_(st_session *s, const st_model *m, const st_expr *where, int64_t *ret_n);

#define ST_NAME_(a, b) FIBER_CAT(a, b)
/* st_each (Domain, d, rows) { ... }: d is const Domain *; rows is an st_rows or st_list expression, evaluated once. */
#define st_each(T_, x, rows)                                                                                 \
    for (__typeof__(rows) ST_NAME_(r_, __LINE__) = (rows), *ST_NAME_(p_, __LINE__) = &ST_NAME_(r_, __LINE__); \
         ST_NAME_(p_, __LINE__); ST_NAME_(p_, __LINE__) = NULL)                                              \
        for (size_t ST_NAME_(i_, __LINE__) = 0; ST_NAME_(i_, __LINE__) < ST_NAME_(p_, __LINE__)->n;          \
             ST_NAME_(i_, __LINE__)++)                                                                        \
            for (const T_ *x = (const T_ *)ST_NAME_(p_, __LINE__)->items[ST_NAME_(i_, __LINE__)]; x; x = NULL)

/* ---- writing; all of it reaches the database at flush ---- */
/* st_add(s, Job, .domain_id = d, .state = QUEUED): a new object, its id (version 7), tenant, version and timestamps
 * filled in; writable until the flush. NULL when the session has failed or memory is out. */
#define st_add(s, T_, ...) ((T_ *)st_add_((s), &T_##_model, &(const T_){__VA_ARGS__}))
void *st_add_(st_session *s, const st_model *m, const void *init);
/* The same object, writable, after its snapshot was taken. NULL when memory is out. */
/* The comma takes const away from the type, not from the object. */
#define st_edit(s, obj) ((__typeof__(((void)0, *(obj))) *)st_edit_((s), (obj)))
void *st_edit_(st_session *s, const void *obj);
st_err st_delete(st_session *s, const void *obj);

st_err st_flush(st_session *s);
st_err st_commit(st_session *s);   /* flush and COMMIT in one batch; loaded objects stay readable */
st_err st_rollback(st_session *s); /* objects added are forgotten, edits undone */
void st_expunge_all(st_session *s); /* forgets all loaded objects and resets the arena; pending writes must be flushed (asserted) */

/* ---- many rows at once, past the identity map ---- */
struct st_bulk_options {
    const uint32_t *conflict; /* ST_MEMBERS(Page, domain_id, url): rows with the same values are the same row */
    const uint32_t *update;   /* what to write into the row that is there; NULL: leave it */
};
struct st_bulk_result {
    int64_t inserted, updated; /* updated: rows that were there */
};
#define ST_OFF_(T_, m) (uint32_t)offsetof(T_, m)
#define ST_MEMBERS1_(T_, a) ST_OFF_(T_, a)
#define ST_MEMBERS2_(T_, a, b) ST_OFF_(T_, a), ST_OFF_(T_, b)
#define ST_MEMBERS3_(T_, a, b, c) ST_MEMBERS2_(T_, a, b), ST_OFF_(T_, c)
#define ST_MEMBERS4_(T_, a, b, c, d) ST_MEMBERS3_(T_, a, b, c), ST_OFF_(T_, d)
#define ST_MEMBERS5_(T_, a, b, c, d, e) ST_MEMBERS4_(T_, a, b, c, d), ST_OFF_(T_, e)
#define ST_MEMBERS6_(T_, a, b, c, d, e, f) ST_MEMBERS5_(T_, a, b, c, d, e), ST_OFF_(T_, f)
#define ST_MEMBERS_PICK_(a, b, c, d, e, f, n, ...) n
#define ST_MEMBERS_END UINT32_MAX
#define ST_MEMBERS(T_, ...)                                                                                      \
    ((const uint32_t[]){ST_MEMBERS_PICK_(__VA_ARGS__, ST_MEMBERS6_, ST_MEMBERS5_, ST_MEMBERS4_, ST_MEMBERS3_,    \
                                         ST_MEMBERS2_, ST_MEMBERS1_, )(T_, __VA_ARGS__), ST_MEMBERS_END})
/* rows: array of n pointers to structs; the session fills ids that are nil, the tenant, version and timestamps in them.
 * Runs at once, inside the session's transaction. ret may be NULL. */
#define st_insert_many(s, T_, rows, n, ret, ...) \
    st_insert_many_((s), &T_##_model, (void *const *)(rows), (n), &(const struct st_bulk_options){__VA_ARGS__}, (ret))
st_err st_insert_many_(st_session *s, const st_model *m, void *const *rows, size_t n,
                       const struct st_bulk_options *o, struct st_bulk_result *ret);

/* ---- JSON from the descriptor (to_dict) ---- */
/* Writes obj as one object: every column that is not hidden, by member name; fields, when not NULL, selects
 * (NULL-terminated). Times as RFC 3339, uuids and enums as text, bytes as base64, json embedded. */
void st_to_json(struct json_writer *w, const st_model *m, const void *obj, const char *const *fields);

#endif
