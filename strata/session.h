/* session.h: one tenant's unit of work over one transaction.
 *
 * A session is opened for one tenant; the compiler puts that tenant into every statement on a model that has a
 * tenant column. It takes a connection at its first statement and gives it back at commit, rollback or close.
 * Loads return const objects that live until the session is closed or st_expunge_all; the same row is always the same
 * object (identity map). st_edit() snapshots an object and returns it writable; commit writes just what
 * changed. Strings given to add or edit must live until the flush, which copies them.
 *
 * Within one transaction a loaded object keeps the values it was loaded with, whoever selects the row again. After the
 * transaction's end, and after writes past the identity map (bulk, by criteria, a key that the database sets back to
 * its default), the next load of a row refreshes its object in place; nothing is read behind the caller's back.
 *
 * Any failure leaves the session failed: everything but rollback and close returns the same code and diagnosis. A
 * session serves one fiber at a time (-EBUSY). */
#ifndef STRATA_SESSION_H
#define STRATA_SESSION_H

#include "base/arena.h"
#include "base/decls.h"
#include "base/json.h"
#include "strata/engine.h"
#include "strata/expr.h"
#include "strata/hooks.h"
#include "strata/json.h"

DECLS_BEGIN

typedef struct st_session st_session;

/* On SQLite every transaction is serializable. */
enum st_isolation { ST_ISOLATION_DEFAULT, ST_READ_COMMITTED, ST_REPEATABLE_READ, ST_SERIALIZABLE };
struct st_session_options {
    st_uuid tenant;     /* nil: only models without a tenant column, unless system is given */
    const char *system; /* with a nil tenant: the reason for working across tenants, said to the engine's on_audit */
    bool read_only;     /* SQLite: runs on a reader */
    bool autocommit;    /* read only, and no transaction: see below */
    int64_t deadline;   /* absolute, for every statement; 0: none but the fiber's */
    enum st_isolation isolation;  /* of each transaction; default: as the database is set */
    const struct st_hooks *hooks; /* hooks.h: beside the engine's; must outlive the session */
};
/* With .autocommit, each statement is a transaction of its own in one round trip: it sees what was committed when it
 * began, every call reads its rows anew (refreshing objects in place), and the session holds no connection in between.
 * On PostgreSQL, reads of such sessions in several fibers share connections: what waits when one becomes free goes out
 * in one pipeline, with the tenant set for row-level security, so that a few connections serve many fibers. What goes
 * together is answered together: keep long queries out. Sessions with .system or an
 * isolation level, raw SQL and rows taken by .each are as good, but take a connection for themselves. Savepoints and
 * st_stream need a transaction (ST_E_INVALID). */
st_err st_session_open(st_engine *e, const struct st_session_options *options, st_session **ret);
void st_session_close(st_session *s); /* rolls back what was not committed; NULL is fine */
/* ST_SESSION(s, engine, .tenant = t); declares s, closed on every way out of the scope. s is never NULL: when opening
 * failed (out of memory), every call on it returns the code. */
#define ST_SESSION(name, engine, ...)                                      \
    __attribute__((cleanup(st_session_closep), unused)) st_session *name = \
        st_session_start((engine), &(const struct st_session_options){__VA_ARGS__})
st_session *st_session_start(st_engine *e, const struct st_session_options *options);
void st_session_closep(st_session **s);
st_err st_session_error(const st_session *s); /* the code that made it fail, or 0 */
arena *st_session_arena(st_session *s);       /* lives as long as what the session loads */

/* Opens a session, runs fn and commits; all of it again, up to tries times (0: 5) with growing pauses, after
 * ST_E_SERIALIZATION, ST_E_DEADLOCK and ST_E_CONFLICT. fn returns 0 to have it committed; else its code is returned.
 * What it does outside the session it does with each try. A pause is not begun that would outlast options->deadline. */
st_err st_retry(st_engine *e, const struct st_session_options *options, st_err (*fn)(st_session *s, void *arg),
                void *arg, unsigned tries);

/* ---- reading ---- */
enum st_loader { ST_L_SELECTIN = 1, ST_L_JOINED, ST_L_ALL };
typedef struct st_rows {
    const void *const *items;
    size_t n;
    st_err err; /* also kept by the session */
} st_rows;
/* Which relations a select loads along, and how; see the loaders below. */
struct st_load {
    enum st_loader how;
    const st_model *model;
    uint32_t member;                  /* its offset */
    const st_expr *where;             /* only these of the related rows */
    const struct st_order *order;     /* of a list; NULL: by primary key */
    const struct st_load *then;       /* what to load along with the related rows */
    const struct st_load *const *all; /* ST_L_ALL: several, NULL-terminated */
};
struct st_query {
    const struct st_load *with;   /* ST_SELECTIN(Author, books), ST_WITH(several) */
    const struct st_order *order; /* ST_ORDER(...); the primary key is added as the last tie-break when limit is set */
    uint64_t limit;               /* 0: no limit */
    uint64_t offset;
    bool for_update; /* FOR NO KEY UPDATE on PostgreSQL; nothing on SQLite, whose writer is alone */
    uint32_t batch;  /* of streams (stream.h) */
};
#define st_select(s, T_, where, ...) st_select_((s), &T_##_model, (where), &(const struct st_query){__VA_ARGS__})
st_rows st_select_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q);
/* The first row or NULL: with an error in st_session_error(s), or none matched. */
#define st_first(s, T_, where, ...) \
    ((const T_ *)st_first_((s), &T_##_model, (where), &(const struct st_query){__VA_ARGS__}))
const void *st_first_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q);
/* By primary key (the tenant's part comes from the session); from the identity map when it is there. NULL as above.
 * st_get is for a uuid; keys of other types or several columns go to st_get_ as values in the order of the model. */
#define st_get(s, T_, id) ((const T_ *)st_get_((s), &T_##_model, &(const st_value){.type = ST_UUID, .uuid = (id)}, 1))
const void *st_get_(st_session *s, const st_model *m, const st_value *key, size_t n);
#define st_count(s, T_, where, ret_n) st_count_((s), &T_##_model, (where), (ret_n))
st_err st_count_(st_session *s, const st_model *m, const st_expr *where, int64_t *ret_n);

/* Loaders. ST_SELECTIN: one further query for the related rows of all objects found (one for each 16,384 of
 * them, or 131,072 with keys of uuids or text on PostgreSQL). ST_JOINED: in the select itself, by LEFT JOIN; objects
 * come once however many rows they make, and .limit counts objects. Good along a reference and for few children. In
 * st_load, for objects that are there, it is a further query, too.
 *     .with = ST_SELECTIN(Domain, jobs, .where = ST_EQ(Job, state, QUEUED), .then = ST_SELECTIN(Job, files))
 * A list holds what its loader found, in its order; the last loader counts. Of a one-to-many the children's reference
 * to the parent is set, too. Nothing else loads a relation: a commit keeps them, a rollback and a refresh forget them.
 */
enum { ST_LOAD_DEPTH_MAX = 16 };
#define ST_RELATION_OFFSET_(T_, m) \
    (uint32_t) _Generic(ST_MEMBER(T_, m), st_list : offsetof(T_, m), st_ref : offsetof(T_, m))
#define ST_SELECTIN(T_, m, ...) ST_LOADER_(ST_L_SELECTIN, T_, m, __VA_ARGS__)
#define ST_JOINED(T_, m, ...) ST_LOADER_(ST_L_JOINED, T_, m, __VA_ARGS__)
#define ST_LOADER_(how_, T_, m, ...) \
    (&(const struct st_load){.how = (how_), .model = &T_##_model, .member = ST_RELATION_OFFSET_(T_, m), __VA_ARGS__})
#define ST_WITH(...) \
    (&(const struct st_load){.how = ST_L_ALL, .all = (const struct st_load *const[]){__VA_ARGS__, NULL}})
/* Loads one relation of an object, or of an st_rows, now:
 *     st_load(s, Author, a, books, .order = ST_ORDER(ST_ASC(Book, title))); */
#define st_load(s, T_, obj, m, ...) \
    _Generic((obj), st_rows : st_load_rows_, default : st_load_one_)((s), (obj), ST_SELECTIN(T_, m, __VA_ARGS__))
st_err st_load_one_(st_session *s, const void *obj, const struct st_load *plan);
st_err st_load_rows_(st_session *s, st_rows rows, const struct st_load *plan);

/* A relation's members; reading one that was not loaded fails the session with ST_E_NOT_LOADED. */
#define st_many(s, T_, obj, member) \
    _Generic(ST_MEMBER(T_, member), st_list : st_many_)((s), &T_##_model, #member, &((const T_ *){(obj)})->member)
#define st_one(s, T_, obj, member, Target_)                  \
    ((const Target_ *)_Generic(ST_MEMBER(T_, member), st_ref \
                               : st_one_)((s), &T_##_model, #member, &((const T_ *){(obj)})->member))
st_rows st_many_(st_session *s, const st_model *m, const char *member, const st_list *list);
const void *st_one_(st_session *s, const st_model *m, const char *member, const st_ref *ref);

#define ST_NAME_(a, b) FIBER_CAT(a, b)
/* st_each (Domain, d, rows) { ... }: d is const Domain *; rows is an st_rows expression, evaluated once. */
#define st_each(T_, x, rows)                                                                                  \
    for (__typeof__(rows) ST_NAME_(r_, __LINE__) = (rows), *ST_NAME_(p_, __LINE__) = &ST_NAME_(r_, __LINE__); \
         ST_NAME_(p_, __LINE__); ST_NAME_(p_, __LINE__) = NULL)                                               \
        for (size_t ST_NAME_(i_, __LINE__) = 0; ST_NAME_(i_, __LINE__) < ST_NAME_(p_, __LINE__)->n;           \
             ST_NAME_(i_, __LINE__)++)                                                                        \
            for (const T_ *x = (const T_ *)ST_NAME_(p_, __LINE__)->items[ST_NAME_(i_, __LINE__)]; x; x = NULL)

/* ---- writing; all of it reaches the database at flush ---- */
/* st_add(s, Job, .domain_id = d, .state = QUEUED): a new object, its nil id (version 7), tenant, version, timestamps
 * and client defaults filled in; writable until the transaction ends. NULL when the session has failed, memory is out,
 * or the tenant is another's. */
#define st_add(s, T_, ...) ((T_ *)st_add_((s), &T_##_model, &(const T_){__VA_ARGS__}))
void *st_add_(st_session *s, const st_model *m, const void *init);
/* The same object, writable until the transaction ends; keys and tenant may not change. What is changed after a select
 * flushed goes to the database with the next st_flush or st_commit. NULL when the
 * session has failed or memory is out. The comma takes const away from the type, not from the object. */
#define st_edit(s, obj) ((__typeof__(((void)0, *(obj))) *)st_edit_((s), (obj)))
void *st_edit_(st_session *s, const void *obj);
/* With obj goes at the flush what its relations say: children whose foreign key cascades (.on_delete of the key: the
 * database sees to those that are not loaded) or whose MANY says .on_delete = ST_CASCADE or ST_SET_NULL (the session
 * loads them), and the rows between of a many-to-many. */
st_err st_delete(st_session *s, const void *obj);

/* Both sides of a relation in step: the foreign key is set as st_edit would, and loaded lists and references follow at
 * once. Of a many-to-many the row between is added or deleted. A child taken out gets a null key, or is deleted when
 * the relation says .delete_orphan (or its key may not be null: ST_E_INVALID).
 *
 *     st_append(s, domain, jobs, st_add(s, Job, .state = QUEUED));  st_set_ref(s, job, domain, NULL); */
#define ST_HAS_LIST_(obj, m) (uint32_t) _Generic((obj)->m, st_list : offsetof(__typeof__(*(obj)), m))
#define ST_HAS_REF_(obj, m) (uint32_t) _Generic((obj)->m, st_ref : offsetof(__typeof__(*(obj)), m))
#define st_append(s, parent, m, child) st_append_((s), (parent), ST_HAS_LIST_(parent, m), (child))
#define st_remove(s, parent, m, child) st_remove_((s), (parent), ST_HAS_LIST_(parent, m), (child))
#define st_set_ref(s, obj, m, other) st_set_ref_((s), (obj), ST_HAS_REF_(obj, m), (other))
st_err st_append_(st_session *s, const void *parent, uint32_t member, const void *child);
st_err st_remove_(st_session *s, const void *parent, uint32_t member, const void *child);
st_err st_set_ref_(st_session *s, const void *obj, uint32_t member, const void *other);

/* Checks every pending object (st_validate), then writes: new rows parents first, changed columns of edited ones,
 * deleted ones children first. A row that another writer changed or deleted meanwhile is ST_E_CONFLICT; diag names
 * table and key. */
st_err st_flush(st_session *s);
st_err st_commit(st_session *s);   /* flush and COMMIT in one batch; loaded objects stay readable */
st_err st_rollback(st_session *s); /* objects added are forgotten, edits undone; the session works again */
/* Reads the object again now, after a flush; relations are to be loaded again. ST_E_NOT_FOUND: the row is gone. */
st_err st_refresh(st_session *s, const void *obj);
/* The next load of its row refreshes it, within the transaction, too. ST_E_INVALID: it has changes not flushed. */
st_err st_expire(st_session *s, const void *obj);
/* A copy in the caller's arena with all that it points to, relations not loaded; it is no object of any session. NULL
 * when the session has failed or memory is out. */
#define st_detach(s, obj, to) ((__typeof__(((void)0, *(obj))) *)st_detach_((s), (obj), (to)))
void *st_detach_(st_session *s, const void *obj, arena *to);
/* Takes the values of obj, any T, into this session's object of the same key: loaded for it, or added when there is no
 * such row. Key, tenant, version and timestamps stay; a version in obj that is neither 0 nor the row's is
 * ST_E_CONFLICT. The object is returned as st_edit does; NULL: see st_session_error. */
#define st_merge(s, T_, obj) ((T_ *)st_merge_((s), &T_##_model, ((const T_ *){(obj)})))
void *st_merge_(st_session *s, const st_model *m, const void *obj);

/* Savepoints, nested up to ST_SAVEPOINTS_MAX deep. st_savepoint and st_release flush. st_rollback_to makes database and
 * objects what they were at the savepoint, which stays open, and a failed session work again (when the connection is
 * lost, only st_rollback does); relations are to be loaded again. Going back to or releasing one ends those within it.
 *     struct st_mark sp;
 *     st_savepoint(s, &sp);
 *     st_add(s, Job, .state = QUEUED);
 *     if (st_flush(s) == ST_E_UNIQUE) { st_rollback_to(s, &sp); } */
enum { ST_SAVEPOINTS_MAX = 32 };
struct st_mark {
    uint64_t serial;
    uint32_t depth;
};
st_err st_savepoint(st_session *s, struct st_mark *ret);
st_err st_rollback_to(st_session *s, const struct st_mark *sp);
st_err st_release(st_session *s, const struct st_mark *sp);
/* Forgets all loaded objects and savepoints, and resets the arena; nothing may be pending (asserted). */
void st_expunge_all(st_session *s);

/* By criteria, past the identity map: pending writes are flushed first. ret_n, when not NULL, gets the number of rows.
 * Versions count on and updated timestamps are set.
 *
 *     st_update_where(s, Page, ST_LT(Page, last_seen, began), &n, ST_SET(Page, status, PAGE_GONE),
 *                     ST_ADD(Page, misses, 1));
 */
#define st_update_where(s, T_, where, ret_n, ...)                                        \
    st_update_where_((s), &T_##_model, (where), (const struct st_assign[]){__VA_ARGS__}, \
                     sizeof((const struct st_assign[]){__VA_ARGS__}) / sizeof(struct st_assign), (ret_n))
#define st_delete_where(s, T_, where, ret_n) st_delete_where_((s), &T_##_model, (where), (ret_n))
st_err st_update_where_(st_session *s, const st_model *m, const st_expr *where, const struct st_assign *set, size_t n,
                        int64_t *ret_n);
st_err st_delete_where_(st_session *s, const st_model *m, const st_expr *where, int64_t *ret_n);

/* ---- many rows at once, past the identity map ---- */
struct st_bulk_options {
    const uint32_t *conflict; /* ST_MEMBERS(Page, domain_id, url): the members of a unique constraint (the tenant by
                                 itself) or the primary key; rows equal in them are the same row */
    const uint32_t *update;   /* what to write into the row that is there; NULL: leave it */
};
struct st_bulk_result {
    int64_t inserted;
    int64_t updated; /* rows that were there, written */
    int64_t kept;    /* rows that were there, left */
};
/* Up to sixteen members; misspelled ones do not compile. */
#define ST_MEMBERS_END UINT32_MAX
#define ST_OFF_(T_, m) (uint32_t) offsetof(T_, m)
#define ST_M1_(T_, m) ST_OFF_(T_, m)
#define ST_M2_(T_, m, ...) ST_OFF_(T_, m), ST_M1_(T_, __VA_ARGS__)
#define ST_M3_(T_, m, ...) ST_OFF_(T_, m), ST_M2_(T_, __VA_ARGS__)
#define ST_M4_(T_, m, ...) ST_OFF_(T_, m), ST_M3_(T_, __VA_ARGS__)
#define ST_M5_(T_, m, ...) ST_OFF_(T_, m), ST_M4_(T_, __VA_ARGS__)
#define ST_M6_(T_, m, ...) ST_OFF_(T_, m), ST_M5_(T_, __VA_ARGS__)
#define ST_M7_(T_, m, ...) ST_OFF_(T_, m), ST_M6_(T_, __VA_ARGS__)
#define ST_M8_(T_, m, ...) ST_OFF_(T_, m), ST_M7_(T_, __VA_ARGS__)
#define ST_M9_(T_, m, ...) ST_OFF_(T_, m), ST_M8_(T_, __VA_ARGS__)
#define ST_M10_(T_, m, ...) ST_OFF_(T_, m), ST_M9_(T_, __VA_ARGS__)
#define ST_M11_(T_, m, ...) ST_OFF_(T_, m), ST_M10_(T_, __VA_ARGS__)
#define ST_M12_(T_, m, ...) ST_OFF_(T_, m), ST_M11_(T_, __VA_ARGS__)
#define ST_M13_(T_, m, ...) ST_OFF_(T_, m), ST_M12_(T_, __VA_ARGS__)
#define ST_M14_(T_, m, ...) ST_OFF_(T_, m), ST_M13_(T_, __VA_ARGS__)
#define ST_M15_(T_, m, ...) ST_OFF_(T_, m), ST_M14_(T_, __VA_ARGS__)
#define ST_M16_(T_, m, ...) ST_OFF_(T_, m), ST_M15_(T_, __VA_ARGS__)
#define ST_M_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, pick, ...) pick
#define ST_MEMBERS(T_, ...)                                                                                            \
    ((const uint32_t[]){ST_M_PICK_(__VA_ARGS__, ST_M16_, ST_M15_, ST_M14_, ST_M13_, ST_M12_, ST_M11_, ST_M10_, ST_M9_, \
                                   ST_M8_, ST_M7_, ST_M6_, ST_M5_, ST_M4_, ST_M3_, ST_M2_, ST_M1_, )(T_, __VA_ARGS__), \
                        ST_MEMBERS_END})
/* rows: array of n pointers to structs; the session fills in ids that are nil, tenant, version, timestamps, client
 * defaults (the row that was there keeps its own id). Texts that it made live as long as what it loaded: write the
 * struct anew before it is used after st_expunge_all or in another session. Of rows given twice in one call (equal in
 * conflict) the last one counts. Each row is validated first. Runs at once, after a flush, inside the session's
 * transaction. ret may be NULL. */
#define st_insert_many(s, T_, rows, n, ret, ...) \
    st_insert_many_((s), &T_##_model, (void *const *)(rows), (n), &(const struct st_bulk_options){__VA_ARGS__}, (ret))
st_err st_insert_many_(st_session *s, const st_model *m, void *const *rows, size_t n, const struct st_bulk_options *o,
                       struct st_bulk_result *ret);
/* The fastest way in, for rows that are all new: PostgreSQL's binary COPY. Where that is not to be had (on SQLite, and
 * on tables whose row-level security holds for the role) the rows go as st_insert_many's do, with the same outcome.
 * Filled in and checked like those, each on its way, so that a broken row may be told when others were sent; nothing of
 * them stays, for the session has failed. ret_n, when not NULL, gets the number of rows. COPY casts nothing: columns
 * must have the types that the model says. */
#define st_copy_many(s, T_, rows, n, ret_n) st_copy_many_((s), &T_##_model, (void *const *)(rows), (n), (ret_n))
st_err st_copy_many_(st_session *s, const st_model *m, void *const *rows, size_t n, int64_t *ret_n);
/* The same from a source, in constant memory whatever their number: next(arg, row) fills in *row, a T of zeroes, and
 * returns 1; 0: there are no more; a negative code ends all with that code. What it points to must live until the next
 * call. It runs in the caller's fiber and may wait, but not use the session (-EBUSY). */
#define st_copy_from(s, T_, next, arg, ret_n) st_copy_from_((s), &T_##_model, (next), (arg), (ret_n))
st_err st_copy_from_(st_session *s, const st_model *m, int (*next)(void *arg, void *row), void *arg, int64_t *ret_n);

DECLS_END

#endif
