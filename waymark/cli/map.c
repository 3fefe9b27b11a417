/* `waymark map SITE`: the URLs of a site on standard output, no database. */
#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/cli/cli.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/common.h"
#include "waymark/cli/term.h"
#include "waymark/scrape/url.h"

/* URLs printed, by a 64-bit hash of each: a set of a few million has a false repeat with odds below one in a million.
 */
struct printed {
    uint64_t *slots; /* 0: free */
    size_t room, n;
};

struct command {
    struct door_options door;
    struct reach_options reach;
    bool quiet;
    const char *site;
    struct scan_options options;
    struct printed printed;
    struct term_progress progress;
};

static uint64_t hash_of(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++) {
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
        h ^= h >> 29;
    }
    return h ? h : 1;
}

static void insert(struct printed *p, uint64_t h)
{
    size_t at = h & (p->room - 1);
    while (p->slots[at]) {
        at = (at + 1) & (p->room - 1);
    }
    p->slots[at] = h;
}

static int first_time(struct printed *p, const char *line, bool *ret)
{
    if (p->n * 4 >= p->room * 3) {
        struct printed bigger = {.room = p->room ? p->room * 2 : 4096, .n = p->n};
        bigger.slots = mem_zalloc(bigger.room, sizeof *bigger.slots);
        if (!bigger.slots) {
            return diag_nomem();
        }
        for (size_t i = 0; i < p->room; i++) {
            if (p->slots[i]) {
                insert(&bigger, p->slots[i]);
            }
        }
        mem_free(p->slots);
        *p = bigger;
    }
    uint64_t h = hash_of(line);
    size_t at = h & (p->room - 1);
    while (p->slots[at] && p->slots[at] != h) {
        at = (at + 1) & (p->room - 1);
    }
    *ret = !p->slots[at];
    p->slots[at] = h;
    p->n += *ret;
    return 0;
}

static int on_site(void *arg, const struct scan_site *site)
{
    (void)arg;
    (void)site;
    return 0;
}

static int on_sitemap(void *arg, SitemapFile *f)
{
    (void)arg;
    (void)f;
    return 0;
}

static int on_pages(void *arg, SitemapFile *f, Page *const *rows, size_t n)
{
    (void)f;
    struct command *c = arg;
    term_progress_clear(&c->progress);
    for (size_t i = 0; i < n; i++) {
        bool first = false;
        int r = first_time(&c->printed, rows[i]->url, &first);
        if (r < 0) {
            return r;
        }
        if (first && puts(rows[i]->url) == EOF) {
            return diag_set(-EPIPE, "cannot write to standard output");
        }
    }
    return 0;
}

static void on_note(void *arg, const struct scan_note *note)
{
    struct command *c = arg;
    if (!c->quiet) {
        term_progress_clear(&c->progress);
        (void)fprintf(stderr, "%s: %s [%.*s]\n", note->name, note->text, STR_FMT(note->url));
    }
}

static void on_progress(void *arg, const struct scan_counts *counts)
{
    struct command *c = arg;
    char text[128], n[32];
    (void)snprintf(text, sizeof text, "%llu sitemaps, %s pages", (unsigned long long)counts->sitemaps,
                   term_count(counts->entries - counts->dropped, n));
    term_progress_show(&c->progress, -1, text);
}

static int work(void *arg)
{
    struct command *c = arg;
    const struct scan_sink sink = {.arg = c,
                                   .site = on_site,
                                   .sitemap = on_sitemap,
                                   .pages = on_pages,
                                   .sitemap_done = on_sitemap,
                                   .note = on_note,
                                   .progress = on_progress};
    polite *p = NULL;
    struct scan_counts counts;
    const struct polite_options manners = {.delay_ms = (int64_t)c->door.delay_ms};
    int r = polite_new(&manners, &p);
    c->options.door.polite = p;
    if (r == 0) {
        r = scan_site(&c->options, c->site, &sink, &counts);
    }
    polite_free(p);
    term_progress_clear(&c->progress);
    if (r == -ECANCELED) {
        return CLI_FAILED;
    }
    return r < 0 ? cli_diag("map") : cli_finish("map");
}

int cmd_map(int argc, char **argv)
{
    struct command c = {.quiet = false};
    const struct opt opts[] = {
        OPT_FLAG("quiet", &c.quiet, "do not tell on standard error what was blocked or wrong"),
        REACH_OPTIONS(&c.reach),
        DOOR_OPTIONS(&c.door),
    };
    const struct opt_spec spec = {
        "map", "SITE [options]",
        "Prints every page URL that the sitemaps of SITE list, one a line, each once. Keeps nothing.\n\n"
        "  waymark map https://www.debian.org > urls.txt",
        opts, sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc != 2) {
        return cli_usage_error("map", argc < 2 ? "which SITE? For example: waymark map https://www.debian.org"
                                               : "one SITE at a time; `waymark scan` takes several");
    }
    c.site = argv[1];
    buf name BUF_AUTO;
    buf_init(&name, URL_BUF_MAX);
    if (scan_domain_name(&name, c.site) < 0) {
        return cli_usage_error("map", "%s", diag_last()->message);
    }
    status = door_setup("map", &c.door, &c.options.door);
    if (status == CLI_OK) {
        reach_setup(&c.reach, &c.options);
        term_progress_init(&c.progress, stderr);
        status = cli_run_loop_interruptible("map", work, &c);
    }
    door_release(&c.door);
    mem_free(c.printed.slots);
    return status;
}
