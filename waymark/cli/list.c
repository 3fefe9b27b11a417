/* `waymark pages`, `waymark domains`, `waymark jobs`: what is stored, as a table or as JSON lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "strata/json.h"
#include "waymark/cli/cli.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/common.h"
#include "waymark/cli/term.h"
#include "waymark/scrape/url.h"
#include "waymark/services/list_service.h"

enum { LINE_LIMIT = 8 << 20, TABLE_ROWS = 500 }; /* a table is printed in pieces, so that memory is bounded */

enum what { PAGES, DOMAINS, JOBS };

struct command {
    enum what what;
    const char *name; /* "pages" */
    struct db_options db;
    bool json, gone;
    uint64_t limit;
    const char *domain;

    st_engine *engine;
    st_uuid domain_id;
    bool has_domain;
    term_table *table;
    size_t rows;
    uint64_t given;
    buf line;
};

static const char *const heads[][8] = {
    [PAGES] = {"URL", "LASTMOD", "FREQ", ">PRIORITY", "STATUS"},
    [DOMAINS] = {"DOMAIN", "STATUS", ">SITEMAPS", ">PAGES", "LAST SCAN", "TITLE"},
    [JOBS] = {"JOB", "TYPE", "STATUS", ">DONE", ">SITEMAPS", ">PAGES", ">NEW", "STARTED"},
};
static const size_t columns[] = {[PAGES] = 5, [DOMAINS] = 6, [JOBS] = 8};

static int flush_table(struct command *c)
{
    int r = c->table ? term_table_print(c->table, stdout) : 0;
    term_table_free(c->table);
    c->table = NULL;
    c->rows = 0;
    return r;
}

static int start_row(struct command *c)
{
    if (c->rows == TABLE_ROWS) {
        int r = flush_table(c);
        if (r < 0) {
            return r;
        }
    }
    if (!c->table) {
        int r = term_table_new(columns[c->what], &c->table);
        if (r < 0) {
            return r;
        }
        if (c->given == 0) {
            term_table_head(c->table, heads[c->what]);
        }
    }
    c->rows++;
    return 0;
}

static const char *short_time(st_opt_time t, char out[static CLOCK_TEXT_MAX])
{
    if (!t.set) {
        return "-";
    }
    (void)clock_format_rfc3339(t.v.us - t.v.us % 1000000, out);
    return out;
}

/* Counts the row; positive when it was the last that was asked for. */
static int counted(struct command *c)
{
    return ferror(stdout) ? -EPIPE : ++c->given == c->limit;
}

static int as_json(struct command *c, const st_model *m, const void *obj)
{
    struct json_writer w;
    buf_clear(&c->line);
    json_start(&w, &c->line);
    st_to_json(&w, m, obj, NULL);
    (void)buf_put_char(&c->line, '\n');
    if (c->line.err) {
        return diag_nomem();
    }
    (void)fwrite(c->line.p, 1, c->line.len, stdout);
    return counted(c);
}

static int on_page(void *arg, const Page *p)
{
    struct command *c = arg;
    if (c->json) {
        return as_json(c, &Page_model, p);
    }
    int r = start_row(c);
    if (r < 0) {
        return r;
    }
    char text[CLOCK_TEXT_MAX];
    term_table_cell(c->table, str_of(p->url));
    term_table_cellf(c->table, "%s", short_time(p->lastmod, text));
    term_table_cellf(c->table, "%s", p->changefreq.set ? page_changefreq_enum.values[p->changefreq.v] : "-");
    if (p->priority.set) {
        term_table_cellf(c->table, "%.1f", p->priority.v);
    } else {
        term_table_cell(c->table, STR("-"));
    }
    term_table_cellf(c->table, "%s", page_status_enum.values[p->status]);
    return counted(c);
}

static int on_domain(void *arg, const Domain *d)
{
    struct command *c = arg;
    if (c->json) {
        return as_json(c, &Domain_model, d);
    }
    int r = start_row(c);
    if (r < 0) {
        return r;
    }
    char text[CLOCK_TEXT_MAX], n[32];
    term_table_cell(c->table, str_of(d->domain));
    term_table_cellf(c->table, "%s", domain_status_enum.values[d->status]);
    term_table_cellf(c->table, "%d", d->total_sitemaps);
    term_table_cellf(c->table, "%s", term_count((uint64_t)d->sitemap_urls, n));
    term_table_cellf(c->table, "%s", short_time(d->last_scan, text));
    term_table_cell(c->table, str_of(d->title ? d->title : "-"));
    return counted(c);
}

static int on_job(void *arg, const Job *j)
{
    struct command *c = arg;
    if (c->json) {
        return as_json(c, &Job_model, j);
    }
    int r = start_row(c);
    if (r < 0) {
        return r;
    }
    char text[CLOCK_TEXT_MAX], n[32];
    uuid_format(j->id, text);
    term_table_cellf(c->table, "%s", text);
    term_table_cellf(c->table, "%s", job_type_enum.values[j->job_type]);
    term_table_cellf(c->table, "%s", job_status_enum.values[j->status]);
    term_table_cellf(c->table, "%.0f %%", j->progress * 100);
    term_table_cellf(c->table, "%d", j->sitemaps_done);
    term_table_cellf(c->table, "%s", term_count((uint64_t)j->pages_found, n));
    term_table_cellf(c->table, "%s", term_count((uint64_t)j->pages_new, n));
    term_table_cellf(c->table, "%s", short_time(j->started_at, text));
    return counted(c);
}

static int keep_id(void *arg, const Domain *d)
{
    struct command *c = arg;
    c->domain_id = d->id;
    c->has_domain = true;
    return 0;
}

static int list(struct command *c)
{
    buf name BUF_AUTO;
    buf_init(&name, URL_BUF_MAX);
    if (c->domain) {
        int r = scan_domain_name(&name, c->domain);
        r = r < 0 ? r : domain_find(c->engine, TENANT_LOCAL, name.p, c->what == DOMAINS ? on_domain : keep_id, c);
        if (r < 0 || c->what == DOMAINS) {
            return r;
        }
    }
    const st_uuid *id = c->has_domain ? &c->domain_id : NULL;
    switch (c->what) {
    case PAGES:
        return page_list(c->engine, TENANT_LOCAL,
                         &(const struct page_filter){.domain_id = id, .gone = c->gone, .limit = c->limit}, on_page, c);
    case DOMAINS:
        return domain_list(c->engine, TENANT_LOCAL, on_domain, c);
    case JOBS:
        return job_list(c->engine, TENANT_LOCAL, id, on_job, c);
    }
    return 0;
}

static int work(void *arg)
{
    struct command *c = arg;
    if (db_open_ready(&c->db, true, &c->engine) < 0) {
        return cli_diag(c->name);
    }
    buf_init(&c->line, LINE_LIMIT);
    int r = list(c);
    if (r >= 0) {
        r = flush_table(c);
    }
    term_table_free(c->table);
    buf_release(&c->line);
    st_engine_close(c->engine);
    if (r < 0 && r != -EPIPE) {
        return cli_diag(c->name);
    }
    if (c->given == 0 && !c->json) {
        (void)fprintf(stderr, "There are no %s yet; `waymark scan SITE` finds some.\n", c->name);
    }
    return cli_finish(c->name);
}

static int run(struct command *c, const char *about, int argc, char **argv)
{
    const struct opt opts[] = {
        OPT_FLAG("json", &c->json, "one JSON object a line"),
        OPT_UINT("limit", "N", &c->limit, 1, UINT64_MAX, "show at most N"),
        DB_OPTIONS(&c->db),
        OPT_FLAG("gone", &c->gone, "also pages that the last complete scan no longer found"),
    };
    const size_t n = sizeof opts / sizeof *opts - (c->what != PAGES); /* --gone is of pages alone */
    const struct opt_spec spec = {c->name, "[DOMAIN] [options]", about, opts, n};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc > 2) {
        return cli_usage_error(c->name, "one DOMAIN at most, not '%s' as well", argv[2]);
    }
    c->domain = argv[1];
    return cli_run_loop(c->name, work, c);
}

int cmd_pages(int argc, char **argv)
{
    struct command c = {.what = PAGES, .name = "pages"};
    return run(&c, "Lists the pages found, of DOMAIN or of all domains, by URL.\n\n  waymark pages example.com --json",
               argc, argv);
}

int cmd_domains(int argc, char **argv)
{
    struct command c = {.what = DOMAINS, .name = "domains"};
    return run(&c, "Lists the domains scanned, with what their home pages say.", argc, argv);
}

int cmd_jobs(int argc, char **argv)
{
    struct command c = {.what = JOBS, .name = "jobs"};
    return run(&c, "Lists the scans, newest first: how far they came and how they ended.", argc, argv);
}
