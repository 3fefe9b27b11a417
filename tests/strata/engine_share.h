/* engine_share.h: questions that fibers ask, each with its answer or its failure. */
#ifndef ENGINE_SHARE_H
#define ENGINE_SHARE_H

#include "engine_support.h"
#include "strata/engine/conn.h"

struct answer {
    int64_t n;
};
static const struct st_field answer_fields[] = {{.type = ST_INT64, .offset = 0}};
static const struct st_shape answer_shape = {.fields = answer_fields, .n = 1, .size = sizeof(struct answer)};

struct ask {
    struct world *w;
    const char *sql;
    int64_t param;
    st_uuid tenant;
    int64_t within_ms; /* 0: as long as it takes */
    int times;         /* 0: once */
    int64_t n;         /* the last answer */
    st_err rc;
    char sqlstate[6];
};

static inline int take_answer(void *arg, void *obj)
{
    *(int64_t *)arg = ((struct answer *)obj)->n;
    return 0;
}

static inline int ask(void *arg)
{
    struct ask *q = arg;
    arena *a = arena_new(NULL, 0);
    const st_value param = v_int(q->param);
    q->rc = a ? 0 : -ENOMEM;
    for (int i = 0; a && i < (q->times ? q->times : 1); i++) {
        q->n = INT64_MIN;
        struct st_stmt s = {.sql = str_of(q->sql),
                            .id = id_of(str_of(q->sql)),
                            .params = &param,
                            .n_params = strstr(q->sql, "$1") ? 1 : 0,
                            .shape = &answer_shape,
                            .arena = a,
                            .row = take_answer,
                            .arg = &q->n};
        q->rc = st_share_run(q->w->e, &s, q->tenant, q->within_ms ? fiber_in_ms(q->within_ms) : FIBER_FOREVER);
        if (q->rc) {
            (void)snprintf(q->sqlstate, sizeof q->sqlstate, "%s", diag_last()->sqlstate);
            break;
        }
    }
    arena_free(a);
    return 0;
}

static inline void open_with(struct world *w, unsigned connections)
{
    world_open(w, ST_POSTGRESQL,
               &(const struct st_engine_options){.pool_size = connections, .max_overflow = ST_NO_OVERFLOW});
}

/* Nothing is left over, and the engine goes on. */
static inline void close_idle(struct world *w)
{
    struct ask q = {.w = w, .sql = "SELECT $1", .param = 4711};
    OK(ask(&q));
    OK(q.rc);
    ck_assert_int_eq(q.n, 4711);
    const struct st_sharing *s = &w->e->sharing;
    ck_assert(!s->first && !s->gathering && s->queued == 0 && s->carried == 0 && s->leaders == 0);
    world_close(w);
}

#define SAME "SELECT $1"
#define PAUSE(s) "SELECT 1::bigint FROM pg_sleep(" s ")"

#endif
