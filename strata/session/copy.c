/* Many new rows, the fastest way there is: COPY where the database has it and lets the role, else bulk inserts. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "strata/session/internal.h"

enum { ROWS_A_CHUNK = 1000 };

/* Where the rows come from: an array, or the caller's function. */
struct supply {
    st_session *s;
    const st_mapper *m;
    struct filling fill;
    void *const *rows; /* NULL: of next */
    size_t n, given;
    int (*next)(void *arg, void *row);
    void *arg, *row; /* the struct that next fills */
};

static int take_next(struct supply *p, void **ret)
{
    if (p->rows) {
        *ret = p->given < p->n ? p->rows[p->given] : NULL;
        return *ret != NULL;
    }
    memset(p->row, 0, p->m->model->size);
    *ret = p->row;
    int rc = p->next(p->arg, p->row);
    if (rc < 0 && diag_last()->code != rc) {
        (void)diag_set(rc, "the source of the rows ended with %d", rc);
    }
    return rc > 0 ? 1 : rc;
}

static st_err check(struct supply *p, void *row)
{
    st_err rc = fill_bulk_row(&p->fill, row);
    p->given++;
    return rc ? diag_wrap(rc, "row %zu", p->given) : 0;
}

/* The next row, filled in and checked. */
static int give(void *arg, void **ret)
{
    struct supply *p = arg;
    if (p->fill.made != p->s->arena) {
        arena_reset(p->fill.made); /* the row before is in the buffer */
    }
    int more = take_next(p, ret);
    st_err rc = more > 0 ? check(p, *ret) : 0;
    return rc ? rc : more;
}

static int take_answer(void *arg, void *obj)
{
    *(bool *)arg = *(const bool *)obj;
    return 0;
}

/* Flushes, and asks whether COPY is allowed, all in one batch. */
static st_err begin(st_session *s, const st_mapper *m, bool *ret_copies)
{
    static const struct st_field answer = {.type = ST_BOOL};
    static const struct st_shape shape = {.fields = &answer, .n = 1, .size = sizeof(bool)};
    struct batch b;
    bool walled = true;
    st_err rc = flush_late_changes(s);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    if (!rc && s->reg->dialect == ST_POSTGRESQL) {
        struct st_compiler c = session_compiler(s);
        struct st_stmt check = {.shape = &shape, .arena = s->scratch, .row = take_answer, .arg = &walled};
        rc = st_compile_copy_check(&c, m, &check);
        rc = rc ? rc : batch_finish(&b, &check);
    } else if (!rc) {
        rc = batch_run(&b);
    }
    *ret_copies = !walled;
    return rc;
}

static st_err copy(struct supply *p, int64_t *ret)
{
    st_session *s = p->s;
    struct st_copying k;
    struct st_compiler c = session_compiler(s);
    st_err rc = st_compile_copy(&c, p->m, give, p, &k);
    rc = rc ? rc : st_conn_copy(s->conn, &k.copy, s->deadline);
    *ret = rc ? 0 : k.copy.copied;
    return rc;
}

/* Rows of a chunk, which next's one struct cannot hold, and copies of what they point to. */
static st_err gather(struct supply *p, arena *a, void ***ret, size_t *ret_n)
{
    size_t size = (p->m->model->size + 15) & ~(size_t)15, n = 0;
    void **rows = ARENA_ARRAY(a, void *, ROWS_A_CHUNK);
    char *slab = arena_alloc(a, ROWS_A_CHUNK * size);
    if (!rows || !slab) {
        return diag_nomem();
    }
    int more = 1;
    while (n < ROWS_A_CHUNK) {
        void *row;
        if ((more = take_next(p, &row)) <= 0) {
            break;
        }
        rows[n] = slab + n * size;
        memcpy(rows[n], row, p->m->model->size);
        st_err rc = check(p, rows[n++]);
        if (rc) {
            return rc;
        }
    }
    *ret = rows;
    *ret_n = n;
    return more < 0 ? more : 0;
}

static st_err insert(struct supply *p, void *const *rows, size_t n, arena *scratch, int64_t *count)
{
    st_session *s = p->s;
    struct st_bulk bulk;
    struct st_compiler c = session_compiler(s);
    c.scratch = scratch;
    st_err rc = st_compile_bulk(&c, p->m, rows, n, &(const struct st_bulk_options){.update = NULL}, &bulk);
    rc = rc ? rc : st_conn_bulk(s->conn, &bulk, s->deadline);
    *count += rc ? 0 : bulk.inserted;
    return rc;
}

static st_err insert_listed(struct supply *p, int64_t *ret)
{
    void *row;
    int more;
    while ((more = give(p, &row)) > 0) {
    }
    return more < 0 ? more : insert(p, p->rows, p->n, p->s->scratch, ret);
}

static st_err insert_chunks(struct supply *p, int64_t *ret)
{
    arena *a = p->fill.made;
    st_err rc = 0;
    size_t n = ROWS_A_CHUNK;
    p->fill.keep = true;
    while (!rc && n == ROWS_A_CHUNK) {
        void **rows = NULL;
        arena_reset(a);
        rc = gather(p, a, &rows, &n);
        rc = rc ? rc : insert(p, rows, n, a, ret);
    }
    return rc;
}

static st_err copy_in(struct supply *p, const st_model *model, int64_t *ret)
{
    st_session *s = p->s;
    bool copies = false;
    int64_t n = 0;
    st_err rc = session_writes(s);
    rc = rc ? rc : session_mapper(s, model, &p->m);
    if (!rc && !p->rows) {
        p->row = arena_alloc(s->scratch, model->size);
        rc = p->row ? 0 : diag_nomem();
    }
    rc = rc ? rc : begin(s, p->m, &copies);
    arena *made = rc || p->rows ? NULL : arena_new(NULL, 0); /* of a row or a chunk */
    rc = rc || p->rows || made ? rc : diag_nomem();
    if (!rc) {
        p->fill = (struct filling){.s = s, .m = p->m, .now = {clock_wall_us()}, .made = p->rows ? s->arena : made};
        rc = copies ? copy(p, &n) : p->rows ? insert_listed(p, &n) : insert_chunks(p, &n);
        rc = rc ? diag_wrap(rc, "%s", model->table) : 0;
    }
    arena_free(made);
    if (!rc && ret) {
        *ret = n;
    }
    return rc;
}

st_err st_copy_many_(st_session *s, const st_model *m, void *const *rows, size_t n, int64_t *ret_n)
{
    static void *const none[1];
    struct supply p = {.s = s, .rows = n ? rows : none, .n = n};
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, copy_in(&p, m, ret_n));
}

st_err st_copy_from_(st_session *s, const st_model *m, int (*next)(void *arg, void *row), void *arg, int64_t *ret_n)
{
    assert(next);
    struct supply p = {.s = s, .next = next, .arg = arg};
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, copy_in(&p, m, ret_n));
}
