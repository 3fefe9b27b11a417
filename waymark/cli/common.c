#include "waymark/cli/common.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "waymark/cli/cli.h"
#include "waymark/migrations/migrations.h"
#include "waymark/scrape/url.h"

/* ---- the loop ---- */

int cli_run_loop(const char *command, int (*fn)(void *arg), void *arg)
{
    fiber_loop *loop;
    if (fiber_loop_open(NULL, &loop) < 0) {
        return cli_diag(command);
    }
    int status = fiber_run(loop, fn, arg);
    fiber_loop_close(loop);
    return status < 0 ? cli_diag(command) : status;
}

struct interruptible {
    int (*fn)(void *arg);
    void *arg;
    int status;
    fiber_bundle *work, *watch;
};

static int do_work(void *arg)
{
    struct interruptible *i = arg;
    i->status = i->fn(i->arg);
    fiber_bundle_cancel(i->watch);
    return 0;
}

static int watch_signals(void *arg)
{
    struct interruptible *i = arg;
    fiber_signal *s;
    int r = fiber_signal_open((const int[]){SIGINT, SIGTERM}, 2, &s);
    if (r < 0) {
        return r;
    }
    r = fiber_signal_wait(s, FIBER_FOREVER);
    if (r > 0) {
        fiber_bundle_cancel(i->work);
    }
    fiber_signal_close(s); /* the next one does what it always did */
    return r < 0 ? r : 0;
}

static int run_interruptible(void *arg)
{
    struct interruptible *i = arg;
    FIBER_BUNDLE(watch);
    FIBER_BUNDLE(work);
    i->work = &work;
    i->watch = &watch;
    int r = fiber_start(&watch, watch_signals, i);
    if (r < 0 || (r = fiber_start(&work, do_work, i)) < 0) {
        return r;
    }
    (void)fiber_bundle_wait(&work, FIBER_FOREVER);
    return i->status;
}

int cli_run_loop_interruptible(const char *command, int (*fn)(void *arg), void *arg)
{
    struct interruptible i = {.fn = fn, .arg = arg};
    return cli_run_loop(command, run_interruptible, &i);
}

/* ---- the door ---- */

int door_setup(const char *command, struct door_options *d, struct fetcher_options *ret)
{
    d->parsed = mem_zalloc(d->pins.n, sizeof *d->parsed);
    if (!d->parsed) {
        return cli_error(command, "out of memory");
    }
    for (size_t i = 0; i < d->pins.n; i++) {
        if (netvet_parse_pin(str_of(d->pins.v[i]), &d->parsed[i]) < 0) {
            return cli_usage_error(command, "--resolve %s: %s", d->pins.v[i], diag_last()->message);
        }
    }
    *ret = (struct fetcher_options){
        .user_agent = d->user_agent,
        .ca_file = d->ca_file,
        .rules = {.allow_private = d->allow_private, .pins = d->parsed, .n_pins = d->pins.n},
        .limits = {.total_ms = (int64_t)d->timeout_s * 1000},
    };
    return CLI_OK;
}

void door_release(struct door_options *d)
{
    mem_free(d->parsed);
}

/* ---- how far a scan goes ---- */

const char *const reach_scopes[] = {"www", "host", "site", NULL};

void reach_setup(const struct reach_options *r, struct scan_options *ret)
{
    static const enum scope scopes[] = {SCOPE_WWW, SCOPE_HOST, SCOPE_SITE};
    ret->scope = scopes[r->scope];
    ret->max_sitemaps = (unsigned)r->max_sitemaps;
    ret->max_pages = r->max_pages;
    ret->concurrency = (unsigned)r->concurrency;
    ret->sitemaps_only = r->sitemaps_only;
    ret->all_paths = r->all_paths;
    ret->url_flags =
        (r->drop_tracking ? (unsigned)URL_DROP_TRACKING : 0u) | (r->drop_session ? (unsigned)URL_DROP_SESSION : 0u);
}

/* ---- the database ---- */

/* --data, or the XDG base directory specification's place for data. */
static int data_dir(const struct db_options *d, buf *out)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (d->data) {
        return buf_puts(out, d->data);
    }
    if (xdg && *xdg == '/') {
        return buf_printf(out, "%s/waymark", xdg);
    }
    return home && *home == '/' ? buf_printf(out, "%s/.local/share/waymark", home) : buf_puts(out, "/var/lib/waymark");
}

static int make_dirs(char *path)
{
    for (char *at = path + 1;; at++) {
        if (*at == '/' || !*at) {
            char kept = *at;
            *at = '\0';
            if (mkdir(path, 0700) < 0 && errno != EEXIST) {
                int err = errno;
                (void)diag_set(-err, "cannot make the data directory %s: %s", path, strerror(err));
                diag_hint("--data DIR names another one, --db URL another database");
                return -err;
            }
            *at = kept;
        }
        if (!*at) {
            return 0;
        }
    }
}

static int embedded_url(const struct db_options *d, bool must_exist, buf *out)
{
    buf dir BUF_AUTO;
    buf_init(&dir, 4096);
    (void)data_dir(d, &dir);
    if (dir.err) {
        return dir.err == -E2BIG ? diag_set(-ENAMETOOLONG, "the data directory's name is over 4,096 bytes")
                                 : diag_nomem();
    }
    if (dir.p[0] != '/') {
        char here[4096];
        if (!getcwd(here, sizeof here)) {
            return diag_set(-errno, "cannot tell the current directory: %s", strerror(errno));
        }
        (void)buf_printf(out, "sqlite:///%s/%s/waymark.db", here, dir.p);
    } else {
        (void)buf_printf(out, "sqlite:///%s/waymark.db", dir.p);
    }
    if (out->err) {
        return diag_nomem();
    }
    if (must_exist && access(out->p + strlen("sqlite:///"), F_OK) < 0) {
        (void)diag_set(-ENOENT, "there is no database yet at %s", out->p + strlen("sqlite:///"));
        diag_hint("`waymark scan SITE` makes one; --db URL or --data DIR names another");
        return -ENOENT;
    }
    return must_exist ? 0 : make_dirs(dir.p);
}

int db_open(const struct db_options *d, bool must_exist, st_engine **ret)
{
    const char *given = d->url ? d->url : d->data ? NULL : getenv("WAYMARK_DB");
    if (given && *given) {
        return st_engine_open(given, &(const struct st_engine_options){.application = "waymark"}, ret);
    }
    buf embedded BUF_AUTO;
    buf_init(&embedded, 16384);
    int r = embedded_url(d, must_exist, &embedded);
    return r < 0 ? r : st_engine_open(embedded.p, &(const struct st_engine_options){.application = "waymark"}, ret);
}

/* Whether the database has never seen a revision. */
static int is_empty(st_engine *e, bool *ret)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    if (!a) {
        return diag_nomem();
    }
    const char *const *ids;
    size_t n;
    int r = st_current(e, &waymark_migrations, a, &ids, &n);
    if (r == 0) {
        *ret = n == 0;
    }
    return r;
}

static int make_ready(st_engine *e, bool embedded)
{
    bool empty = false;
    int r = is_empty(e, &empty);
    if (r < 0) {
        return r;
    }
    if (empty || embedded) {
        return st_upgrade(e, &waymark_migrations, "head", FIBER_FOREVER);
    }
    diag_clear();
    if (!st_is_at_head(e, &waymark_migrations)) {
        if (!diag_last()->code) {
            (void)diag_set(ST_E_SCHEMA, "the database %s has an older schema than this program", st_engine_url(e));
            diag_hint("run `waymark migrate upgrade --db URL` once");
        }
        return diag_last()->code;
    }
    return 0;
}

int db_open_ready(const struct db_options *d, bool must_exist, st_engine **ret)
{
    st_engine *e;
    int r = db_open(d, must_exist, &e);
    if (r < 0) {
        return r;
    }
    const char *env = getenv("WAYMARK_DB");
    r = make_ready(e, !d->url && (d->data || !env || !*env));
    if (r < 0) {
        st_engine_close(e);
        return r;
    }
    *ret = e;
    return 0;
}
