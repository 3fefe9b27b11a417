/* How many round trips to PostgreSQL things take, counted by a proxy between: a trip begins when the program speaks
 * after the server did. */
#include <netinet/in.h>
#include <stdlib.h>

#include "session_support.h"

struct proxy {
    fiber_sock *listener;
    struct fiber_addr server;
    fiber_bundle fibers;
    int trips;
};

struct pipe {
    struct proxy *p;
    fiber_sock *program, *server;
    bool server_spoke;
};

static int carry(struct pipe *t, fiber_sock *from, fiber_sock *to)
{
    char bytes[8192];
    for (;;) {
        ssize_t n = fiber_sock_read(from, bytes, sizeof bytes, FIBER_FOREVER);
        if (n <= 0) {
            (void)fiber_sock_shutdown(to);
            return 0;
        }
        if (from == t->program) {
            t->p->trips += t->server_spoke;
        }
        t->server_spoke = from == t->server;
        if (fiber_sock_write(to, bytes, (size_t)n, FIBER_FOREVER) != 0) {
            return 0;
        }
    }
}

static int answers(void *arg)
{
    struct pipe *t = arg;
    return carry(t, t->server, t->program);
}

static int serve(void *arg)
{
    struct pipe *t = arg;
    if (fiber_sock_connect(&t->p->server, FIBER_FOREVER, &t->server) == 0) {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, answers, t));
        (void)carry(t, t->program, t->server);
        (void)fiber_bundle_wait(&b, FIBER_FOREVER);
    }
    fiber_sock_close(t->server);
    fiber_sock_close(t->program);
    mem_free(t);
    return 0;
}

static int accept_all(void *arg)
{
    struct proxy *p = arg;
    for (;;) {
        struct pipe *t = mem_zalloc(1, sizeof *t);
        ck_assert_ptr_nonnull(t);
        t->p = p;
        if (fiber_sock_accept(p->listener, FIBER_FOREVER, &t->program) != 0) {
            mem_free(t);
            return 0;
        }
        OK(fiber_start(&p->fibers, serve, t));
    }
}

/* The engine of w is one that goes through the proxy, on one connection. */
static void proxy_open(struct proxy *p, struct world *w)
{
    const char *port = strrchr(w->url, ':'), *path = strrchr(w->url, '/');
    *p = (struct proxy){.trips = 0};
    OK(fiber_addr_parse("127.0.0.1", (uint16_t)strtoul(port + 1, NULL, 10), &p->server));
    struct fiber_addr on;
    OK(fiber_addr_parse("127.0.0.1", 0, &on));
    OK(fiber_sock_listen(&on, 8, &p->listener));
    OK(fiber_sock_addr(p->listener, &on));
    fiber_bundle_open(&p->fibers);
    OK(fiber_start(&p->fibers, accept_all, p));
    const char *url = arena_printf(w->a, "%.*s:%d%s?sslmode=disable", (int)(port - w->url), w->url,
                                   ntohs(((struct sockaddr_in *)(void *)&on.ss)->sin_port), path);
    st_engine_close(w->e);
    OK(st_engine_open(url, &(const struct st_engine_options){.pool_size = 1, .max_overflow = ST_NO_OVERFLOW}, &w->e));
    OK(st_engine_ping(w->e, FIBER_FOREVER)); /* connected */
    p->trips = 0;
}

static void proxy_close(struct proxy *p, struct world *w)
{
    st_engine_close(w->e);
    fiber_bundle_close(&p->fibers);
    fiber_sock_close(p->listener);
    OK(st_engine_open(w->url, NULL, &w->e));
}

static int trips_since(struct proxy *p)
{
    int n = p->trips;
    p->trips = 0;
    return n;
}

static struct ids {
    st_uuid a, b;
} both;

static void get_in_transactions(struct world *w, struct proxy *p)
{
    for (int i = 0; i < 3; i++) { /* the first prepares its statements along the way */
        ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true, .isolation = ST_REPEATABLE_READ);
        ck_assert_ptr_nonnull(st_get(s, Author, both.a)); /* BEGIN, the tenant, SELECT, COMMIT */
        ck_assert_int_eq(trips_since(p), 1);
    }
}

static void get_shared(struct world *w, struct proxy *p)
{
    for (int i = 0; i < 3; i++) {
        ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true);
        ck_assert_ptr_nonnull(st_get(s, Author, both.a)); /* the tenant, SELECT */
        ck_assert_int_eq(trips_since(p), 1);
    }
}

static void write_and_commit(struct world *w, struct proxy *p)
{
    for (int i = 0; i < 3; i++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = arena_printf(w->a, "Number %d", i)));
        OK(st_commit(s)); /* BEGIN, the tenant, INSERT, COMMIT */
        ck_assert_int_eq(trips_since(p), 1);
    }
}

static void read_change_and_commit(struct world *w, struct proxy *p)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_edit(s, st_get(s, Author, both.a))->name = "Anne"; /* BEGIN, the tenant, SELECT */
    ck_assert_int_eq(trips_since(p), 1);
    OK(st_commit(s)); /* UPDATE, COMMIT */
    ck_assert_int_eq(trips_since(p), 1);
}

struct reader {
    struct world *w;
    bool of_a;
};
static int read_one(void *arg)
{
    const struct reader *r = arg;
    ST_SESSION(s, r->w->e, .tenant = r->of_a ? tenant_a : tenant_b, .autocommit = true);
    ck_assert_ptr_nonnull(st_get(s, Author, r->of_a ? both.a : both.b));
    return 0;
}

static void get_together(struct world *w, struct proxy *p)
{
    struct reader r[20];
    FIBER_BUNDLE(b);
    for (int i = 0; i < 20; i++) {
        r[i] = (struct reader){w, i % 2 == 0};
        OK(fiber_start(&b, read_one, &r[i]));
    }
    OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    ck_assert_int_le(trips_since(p), 2); /* the first goes alone, those who ask meanwhile go together */
}

static void count(struct world *w)
{
    struct proxy p;
    both = (struct ids){author_put(w, tenant_a, "Anna"), author_put(w, tenant_b, "Bea")};
    proxy_open(&p, w);
    get_in_transactions(w, &p);
    get_shared(w, &p);
    write_and_commit(w, &p);
    read_change_and_commit(w, &p);
    get_together(w, &p);
    proxy_close(&p, w);
}

START_TEST(what_goes_together_is_one_round_trip)
{
    in_world(WORLD_PG, library_create, count);
    in_world(WORLD_APP, library_create, count);
}
END_TEST

RUN("session_trips", 60, CASE(what_goes_together_is_one_round_trip));
