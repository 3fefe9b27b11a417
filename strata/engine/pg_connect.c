#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/mem.h"
#include "strata/engine/pg.h"

enum { ADDRS_MAX = 8, KEYWORDS_MAX = ST_URL_PAIRS_MAX + 8 };

struct lists { /* libpq takes several hosts as three lists, each with commas */
    buf host, addr, port;
    size_t n;
};

static void lists_release(struct lists *l)
{
    buf_release(&l->host);
    buf_release(&l->addr);
    buf_release(&l->port);
}

static void add(struct lists *l, str host, const char *addr, str port)
{
    if (l->n++) {
        buf_put_char(&l->host, ',');
        buf_put_char(&l->addr, ',');
        buf_put_char(&l->port, ',');
    }
    buf_put_str(&l->host, host);
    buf_puts(&l->addr, addr);
    buf_put_str(&l->port, port);
}

static bool needs_lookup(const char *host)
{
    struct fiber_addr literal;
    return *host && *host != '/' && *host != '@' && fiber_addr_parse(host, 0, &literal) != 0;
}

/* One host of the list, with all its addresses. */
static st_err add_host(struct lists *l, str host, str port, int64_t deadline)
{
    char name[256];
    if (host.len >= sizeof name) {
        return diag_set(ST_E_URL, "a host name of %zu bytes", host.len);
    }
    memcpy(name, host.p ? host.p : "", host.len);
    name[host.len] = '\0';
    if (!needs_lookup(name)) {
        diag_clear();
        add(l, host, "", port);
        return 0;
    }
    struct fiber_addr addrs[ADDRS_MAX];
    int n = fiber_resolve(name, 0, addrs, ADDRS_MAX, deadline);
    if (n < 0) {
        return n == -ECANCELED || n == -ETIMEDOUT || n == -ENOMEM ? n : diag_wrap(ST_E_CONNECTION, "host %s", name);
    }
    for (int i = 0; i < n; i++) {
        char text[64];
        if (getnameinfo((const struct sockaddr *)&addrs[i].ss, addrs[i].len, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            add(l, host, text, port);
        }
    }
    return 0;
}

/* libpq would look names up itself, and block the loop meanwhile. */
static st_err look_up(struct lists *l, const char *hosts, const char *ports, int64_t deadline)
{
    str rest = str_of(hosts), rest_ports = str_of(ports ? ports : "");
    bool one_port = !ports || !strchr(ports, ',');
    st_err err = 0;
    while (rest.p) {
        str host = str_trim(str_cut(&rest, ','));
        str port = one_port ? str_of(ports) : str_trim(str_cut(&rest_ports, ','));
        st_err rc = add_host(l, host, port, deadline);
        if (rc == ST_E_CONNECTION) {
            err = rc; /* another host may be found */
        } else if (rc) {
            return rc;
        }
    }
    if (l->host.err || l->addr.err || l->port.err) {
        return diag_nomem();
    }
    return l->n ? 0 : err;
}

/* libpq's default, environment included; the caller frees it. */
static char *default_of(const char *keyword)
{
    char *copy = NULL;
    PQconninfoOption *all = PQconndefaults();
    for (const PQconninfoOption *o = all; o && o->keyword; o++) {
        if (strcmp(o->keyword, keyword) == 0 && o->val) {
            copy = mem_strdup(o->val);
        }
    }
    PQconninfoFree(all);
    return copy;
}

struct pairs {
    const char *keywords[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
    size_t n;
};

static void put_pair(struct pairs *p, const char *keyword, const char *value)
{
    assert(p->n < KEYWORDS_MAX);
    p->keywords[p->n] = keyword;
    p->values[p->n++] = value;
}

static void put_defaults(struct pairs *p, const st_engine *e)
{
    put_pair(p, "client_encoding", "UTF8");
    put_pair(p, "fallback_application_name", e->options.application);
    if (!st_url_get(&e->url, "tcp_user_timeout")) { /* also bounds how long a cancel request may hang */
        put_pair(p, "tcp_user_timeout", "15000");
    }
}

static void swallow_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

static st_err start(const st_engine *e, int64_t deadline, PGconn **ret)
{
    struct lists l = {0};
    buf_init(&l.host, ST_URL_MAX * ADDRS_MAX);
    buf_init(&l.addr, ST_URL_MAX * ADDRS_MAX);
    buf_init(&l.port, ST_URL_MAX * ADDRS_MAX);
    struct pairs p = {.n = 0};
    const struct st_url *u = &e->url;
    char *env_host MEM_AUTO = st_url_get(u, "host") ? NULL : default_of("host");
    char *env_port MEM_AUTO = st_url_get(u, "port") ? NULL : default_of("port");
    char *env_addr MEM_AUTO = default_of("hostaddr");
    const char *host = env_host ? env_host : st_url_get(u, "host");
    bool resolve = host && !st_url_get(u, "hostaddr") && !env_addr;
    st_err rc = resolve ? look_up(&l, host, env_port ? env_port : st_url_get(u, "port"), deadline) : 0;
    for (size_t i = 0; !rc && u->keywords[i]; i++) {
        const char *k = u->keywords[i];
        if (!resolve || (strcmp(k, "host") != 0 && strcmp(k, "port") != 0)) {
            put_pair(&p, k, u->values[i]);
        }
    }
    if (!rc) {
        put_defaults(&p, e);
        if (resolve) {
            put_pair(&p, "host", l.host.p);
            put_pair(&p, "hostaddr", l.addr.p);
            put_pair(&p, "port", l.port.p);
        }
        *ret = PQconnectStartParams(p.keywords, p.values, 0);
        rc = *ret ? 0 : diag_nomem();
        (void)PQsetNoticeReceiver(*ret, swallow_notice, NULL); /* from the start: it would print */
    }
    lists_release(&l);
    return rc;
}

/* libpq may close its socket within any poll, so none is watched across one. */
static st_err wait_for(PGconn *pq, PostgresPollingStatusType want, int64_t deadline)
{
    fiber_fd *fd;
    int rc = fiber_fd_new(PQsocket(pq), &fd);
    if (rc) {
        return rc;
    }
    rc = fiber_fd_wait(fd, want == PGRES_POLLING_READING ? FIBER_READ : FIBER_WRITE, deadline);
    fiber_fd_free(fd);
    return rc < 0 ? rc : 0;
}

static st_err finish_connecting(PGconn *pq, const char *url, int64_t deadline)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (PQstatus(pq) == CONNECTION_BAD) {
        return pg_connect_error(pq, url);
    }
    for (;;) {
        st_err rc = wait_for(pq, status, deadline);
        if (rc) {
            return rc;
        }
        status = PQconnectPoll(pq);
        if (status == PGRES_POLLING_FAILED) {
            return pg_connect_error(pq, url);
        }
        if (status == PGRES_POLLING_OK) {
            return 0;
        }
    }
}

static st_err settle(struct pg_conn *c)
{
    int rc = fiber_fd_new(PQsocket(c->pq), &c->fd);
    if (rc) {
        return rc;
    }
    if (PQsetnonblocking(c->pq, 1) != 0 || !PQenterPipelineMode(c->pq)) {
        return pg_failed(c, "cannot prepare the connection");
    }
    return 0;
}

/* A ?connect_timeout=seconds of the URL; libpq heeds it only where it blocks. */
static int64_t own_limit(const struct st_url *u)
{
    const char *given = st_url_get(u, "connect_timeout");
    long s = given ? strtol(given, NULL, 10) : 0;
    return s > 0 && s < 86400 ? fiber_in_ms(s * 1000) : FIBER_FOREVER;
}

st_err pg_open(st_engine *e, bool writer, int64_t deadline, st_conn **ret)
{
    (void)writer;
    struct pg_conn *c = mem_zalloc(1, sizeof *c);
    if (!c) {
        return diag_nomem();
    }
    c->base.engine = e;
    c->pooler = e->url.pooler;
    buf_init(&c->kinds, 16 << 20);
    c->params = arena_new(NULL, 0);
    c->decode = arena_new(NULL, 0);
    int64_t limit = own_limit(&e->url);
    limit = limit < deadline ? limit : deadline;
    st_err rc = c->params && c->decode ? start(e, limit, &c->pq) : diag_nomem();
    if (!rc) {
        rc = finish_connecting(c->pq, e->url.shown, limit);
    }
    if (!rc) {
        rc = settle(c);
    }
    if (rc) {
        pg_close(&c->base);
        return rc;
    }
    *ret = &c->base;
    return 0;
}

void pg_close(st_conn *conn)
{
    struct pg_conn *c = pg_conn(conn);
    fiber_fd_free(c->fd); /* before libpq closes the descriptor */
    PQfinish(c->pq);
    arena_free(c->params);
    arena_free(c->decode);
    buf_release(&c->kinds);
    mem_free(c->load);
    mem_free(c);
}
