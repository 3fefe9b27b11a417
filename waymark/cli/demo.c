/* `waymark demo`: a first scan that needs no network. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "waymark/cli/cli.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/common.h"
#include "waymark/cli/demo_site.h"
#include "waymark/cli/scan_report.h"

struct command {
    bool once;
    uint64_t port;
    httpd *server;
    st_engine *engine;
    struct store_outcome outcome;
    char dir[64], site[64];
};

static int scan(struct command *c)
{
    struct scan_options o = {.door.rules.allow_private = true};
    polite *p;
    int r = polite_new(NULL, &p);
    if (r < 0) {
        return r;
    }
    o.door.polite = p;
    r = store_scan(c->engine, TENANT_LOCAL, &o, c->site, NULL, NULL, &c->outcome);
    polite_free(p);
    return r;
}

static void tell(const struct command *c)
{
    printf("Waymark demo: a small built-in site on %s\n", c->site);
    scan_report(stdout, &c->outcome, 1);
    if (c->outcome.status == JOB_COMPLETE) {
        printf("\nNext:\n"
               "  waymark scan https://www.debian.org    scan a real site into the database\n"
               "  waymark map https://www.debian.org     print its URLs, keep nothing\n"
               "  waymark --help                         everything else\n");
    }
}

static int serve_and_scan(struct command *c)
{
    FIBER_BUNDLE(server);
    int r = httpd_start(&server, "127.0.0.1", (uint16_t)c->port, demo_site, NULL, &c->server);
    if (r < 0) {
        return r;
    }
    (void)snprintf(c->site, sizeof c->site, "http://127.0.0.1:%u", httpd_port(c->server));
    r = scan(c);
    if (r < 0) {
        return r;
    }
    tell(c);
    if (!c->once) {
        printf("\nThe site stays up at %s until Ctrl-C. Try, in another terminal:\n"
               "  waymark map %s --allow-private\n",
               c->site, c->site);
        (void)fflush(stdout);
        r = fiber_sleep_until(FIBER_FOREVER);
        if (r == -ECANCELED) {
            r = 0;
        }
    }
    return r;
}

static int work(void *arg)
{
    struct command *c = arg;
    char url[128];
    (void)snprintf(url, sizeof url, "sqlite:///%s/demo.db", c->dir);
    const struct db_options db = {.url = url};
    int r = db_open_ready(&db, false, &c->engine);
    if (r == 0) {
        r = serve_and_scan(c);
        httpd_close(c->server);
        st_engine_close(c->engine);
    }
    if (r < 0) {
        return cli_diag("demo");
    }
    if (c->outcome.status == JOB_COMPLETE && c->outcome.counts.entries - c->outcome.counts.dropped < DEMO_SITE_PAGES) {
        return cli_error("demo", "found fewer pages than the site has; please report this");
    }
    return c->outcome.status == JOB_COMPLETE ? cli_finish("demo") : CLI_FAILED;
}

static void remove_dir(const char *dir)
{
    static const char *const files[] = {"demo.db", "demo.db-wal", "demo.db-shm"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

int cmd_demo(int argc, char **argv)
{
    struct command c = {.once = false};
    const struct opt opts[] = {
        OPT_FLAG("once", &c.once, "end after the scan instead of keeping the site up"),
        OPT_UINT("port", "N", &c.port, 1, 65535, "serve the site on this port of 127.0.0.1 (any free one)"),
    };
    const struct opt_spec spec = {
        "demo", "[--once] [--port N]",
        "Serves a small built-in site on loopback, scans it into a temporary database and prints the result.\n"
        "Needs no network and leaves nothing behind.",
        opts, sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc > 1) {
        return cli_usage_error("demo", "takes no operand, not '%s'", argv[1]);
    }
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(c.dir, sizeof c.dir, "%s/waymark-demo-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(c.dir)) {
        return cli_error("demo", "cannot make a folder like %s: %s; TMPDIR names another place", c.dir,
                         strerror(errno));
    }
    status = cli_run_loop_interruptible("demo", work, &c);
    arena_free(c.outcome.arena);
    remove_dir(c.dir);
    return status;
}
