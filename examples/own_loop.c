/* Strata on a loop that the program has already: a sensor writes to a pipe at each tick of a timer, libuv reads the
 * pipe, and each reading is stored by a fiber of its own while the loop goes on. The program runs the loop itself. */
#include <stdio.h>
#include <stdlib.h>
#include <strata/define.h>
#include <strata/strata.h>
#include <unistd.h>
#include <uv.h>

typedef struct Reading {
    st_uuid id;
    int32_t value;
} Reading;

#define T Reading
ST_MODEL(Reading, "readings", COL(id, .pk = true), COL(value));
#undef T
static const st_model *const models[] = {&Reading_model};

enum { READINGS = 20 };

struct station {
    st_engine *engine;
    fiber_bundle fibers;
    uv_timer_t timer;
    uv_pipe_t pipe;
    int sensor; /* the end of the pipe that is written to */
    int ticks;
    char byte;
};
struct sample {
    struct station *station;
    int value;
};

/* In a fiber: every call may wait for the database, and the loop runs meanwhile. */
static int store(void *arg)
{
    struct sample sample = *(struct sample *)arg;
    free(arg);
    ST_SESSION(s, sample.station->engine);
    st_add(s, Reading, .value = sample.value);
    return st_commit(s);
}

static void on_tick(uv_timer_t *timer)
{
    struct station *w = timer->data;
    char value = (char)++w->ticks;
    if (write(w->sensor, &value, 1) != 1 || w->ticks == READINGS) {
        close(w->sensor);
        uv_close((uv_handle_t *)timer, NULL);
    }
}

static void give_room(uv_handle_t *pipe, size_t size, uv_buf_t *buf)
{
    (void)size;
    *buf = uv_buf_init(&((struct station *)pipe->data)->byte, 1);
}

/* A callback must not wait, so it starts a fiber. */
static void on_reading(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
    if (n == 0) {
        return; /* nothing yet */
    }
    if (n < 0) {
        uv_close((uv_handle_t *)pipe, NULL); /* the sensor is done */
        return;
    }
    struct station *w = pipe->data;
    struct sample *sample = malloc(sizeof *sample);
    if (sample) {
        *sample = (struct sample){w, buf->base[0]};
    }
    if (!sample || fiber_start(&w->fibers, store, sample) != 0) {
        free(sample);
        fprintf(stderr, "own_loop: a reading is lost\n");
    }
}

/* What libuv's own calls return is not checked, to keep this short. */
static st_err watch(uv_loop_t *loop, struct station *w)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return diag_set(-1, "there is no pipe");
    }
    w->sensor = ends[1];
    w->timer.data = w->pipe.data = w;
    uv_pipe_init(loop, &w->pipe, 0);
    uv_pipe_open(&w->pipe, ends[0]);
    uv_read_start((uv_stream_t *)&w->pipe, give_room, on_reading);
    uv_timer_init(loop, &w->timer);
    uv_timer_start(&w->timer, on_tick, 1, 1);

    fiber_bundle_open(&w->fibers);
    uv_run(loop, UV_RUN_DEFAULT); /* until the pipe is closed and the last fiber has stored its reading */
    st_err rc = fiber_bundle_wait(&w->fibers, FIBER_FOREVER);
    fiber_bundle_close(&w->fibers);
    return rc;
}

static st_err run(uv_loop_t *loop, const char *url)
{
    struct station w = {0};
    st_err rc = st_engine_open(url, NULL, &w.engine); /* outside fibers a call runs the loop until it is done */
    rc = rc ? rc : st_create_all(w.engine, models, 1, FIBER_FOREVER);
    rc = rc ? rc : watch(loop, &w);
    if (!rc) {
        int64_t n;
        ST_SESSION(s, w.engine, .read_only = true);
        rc = st_count(s, Reading, ST_BETWEEN(Reading, value, 1, READINGS), &n);
        printf("%d ticks, %d readings stored\n", w.ticks, (int)n);
    }
    st_engine_close(w.engine);
    return rc;
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    fiber_loop *fibers = NULL;
    uv_loop_init(&loop);
    st_err rc = fiber_loop_open(&(struct fiber_loop_options){.uv = &loop}, &fibers);
    rc = rc ? rc : run(&loop, argc > 1 ? argv[1] : "sqlite:///:memory:");
    if (rc) {
        fprintf(stderr, "own_loop: %s\n", diag_last()->message);
    }
    fiber_loop_close(fibers);
    uv_run(&loop, UV_RUN_DEFAULT); /* what was closed is forgotten now */
    if (uv_loop_close(&loop) != 0) {
        fprintf(stderr, "own_loop: something is still on the loop\n");
        rc = -1;
    }
    return rc ? 1 : 0;
}
