/* `waymark scan SITE...`: sites into the database. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "waymark/cli/cli.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/common.h"
#include "waymark/cli/scan_report.h"
#include "waymark/scrape/url.h"

enum { SITES_AT_ONCE = 4 };

struct command {
    struct door_options door;
    struct reach_options reach;
    struct db_options db;
    bool json, quiet;
    char **sites;
    size_t n;

    struct scan_options options;
    st_engine *engine;
    struct store_outcome *outcomes;
    size_t next, done, failed;
    struct term_progress progress;
};

static void show(void *arg, const struct store_outcome *o)
{
    struct command *c = arg;
    scan_report_progress(&c->progress, c->outcomes, c->n, c->done, o);
}

static int next_site(void *arg)
{
    struct command *c = arg;
    while (c->next < c->n) {
        size_t i = c->next++;
        struct store_outcome *o = &c->outcomes[i];
        int r = store_scan(c->engine, TENANT_LOCAL, &c->options, c->sites[i], show, c, o);
        c->done++;
        c->failed += o->status != JOB_COMPLETE;
        if (c->json && scan_report_json(stdout, o) < 0) {
            return diag_nomem();
        }
        if (r == -ECANCELED || r == -ENOMEM) {
            return r;
        }
    }
    return 0;
}

static int scan_all(struct command *c)
{
    FIBER_BUNDLE(sites);
    for (size_t i = 0; i < SITES_AT_ONCE && i < c->n; i++) {
        int r = fiber_start(&sites, next_site, c);
        if (r < 0) {
            return r;
        }
    }
    return fiber_bundle_wait(&sites, FIBER_FOREVER);
}

static int work(void *arg)
{
    struct command *c = arg;
    int r = db_open_ready(&c->db, false, &c->engine);
    if (r < 0) {
        return cli_diag("scan");
    }
    const struct polite_options manners = {.delay_ms = (int64_t)c->door.delay_ms};
    polite *p = NULL;
    r = polite_new(&manners, &p);
    c->options.door.polite = p;
    if (r == 0) {
        r = scan_all(c);
    }
    term_progress_clear(&c->progress);
    polite_free(p);
    st_engine_close(c->engine);
    if (r < 0 && r != -ECANCELED) {
        return cli_diag("scan");
    }
    if (!c->json && !c->quiet) {
        scan_report(stdout, c->outcomes, c->done < c->n && r == 0 ? c->done : c->n);
    }
    if (r == -ECANCELED) {
        (void)fprintf(stderr, "waymark scan: interrupted; what was found until then is kept\n");
    }
    return r < 0 || c->failed ? CLI_FAILED : cli_finish("scan");
}

int cmd_scan(int argc, char **argv)
{
    struct command c = {.reach = {0}};
    const struct opt opts[] = {
        OPT_FLAG("json", &c.json, "one JSON object a site instead of the table"),
        OPT_FLAG("quiet", &c.quiet, "print nothing but errors"),
        DB_OPTIONS(&c.db),
        REACH_OPTIONS(&c.reach),
        DOOR_OPTIONS(&c.door),
    };
    const struct opt_spec spec = {
        "scan", "SITE... [options]",
        "Finds the sitemaps of each SITE (a host such as example.com, or a URL), and keeps every page they list.\n"
        "Where to look is read from robots.txt and the home page; failing that, the usual places are tried.\n"
        "A second scan of a site adds what is new and marks what is gone.\n\n"
        "  waymark scan https://www.debian.org\n"
        "  waymark scan example.com example.org --db postgresql://me@localhost/waymark --json\n\n"
        "Exit status: 0 all sites were scanned, 1 a site failed or the scan was interrupted, 2 wrong usage.",
        opts, sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc < 2) {
        return cli_usage_error("scan", "which SITE? For example: waymark scan https://www.debian.org");
    }
    c.sites = argv + 1;
    c.n = (size_t)argc - 1;
    for (size_t i = 0; i < c.n; i++) {
        buf name BUF_AUTO;
        buf_init(&name, URL_BUF_MAX);
        if (scan_domain_name(&name, c.sites[i]) < 0) {
            return cli_usage_error("scan", "%s", diag_last()->message);
        }
    }
    c.outcomes = mem_zalloc(c.n, sizeof *c.outcomes);
    status = c.outcomes ? door_setup("scan", &c.door, &c.options.door) : cli_error("scan", "out of memory");
    if (status == CLI_OK) {
        reach_setup(&c.reach, &c.options);
        term_progress_init(&c.progress, stderr);
        c.progress.on = c.progress.on && !c.quiet;
        status = cli_run_loop_interruptible("scan", work, &c);
    }
    for (size_t i = 0; c.outcomes && i < c.n; i++) {
        arena_free(c.outcomes[i].arena);
    }
    mem_free(c.outcomes);
    door_release(&c.door);
    return status;
}
