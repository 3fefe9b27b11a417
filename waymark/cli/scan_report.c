#include "waymark/cli/scan_report.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

enum { LINE_MAX_BYTES = 4 << 20, NOTES_SHOWN = 12 };

static void notes(FILE *out, const struct store_outcome *o)
{
    size_t shown = o->n_notes < NOTES_SHOWN ? o->n_notes : NOTES_SHOWN;
    if (shown) {
        (void)fprintf(out, "\n%s: blocked, capped or wrong\n", o->domain && *o->domain ? o->domain : o->site);
    }
    for (size_t i = 0; i < shown; i++) {
        (void)fprintf(out, "  %-20s %s\n", o->notes[i].name, o->notes[i].text);
        if (*o->notes[i].url) {
            (void)fprintf(out, "  %-20s %s\n", "", o->notes[i].url);
        }
    }
    if (o->notes_total > shown) {
        (void)fprintf(out, "  ... and %zu more (--json lists up to %d)\n", o->notes_total - shown, STORE_NOTES_MAX);
    }
}

void scan_report(FILE *out, const struct store_outcome *outcomes, size_t n)
{
    term_table *t;
    if (term_table_new(7, &t) < 0) {
        (void)fprintf(out, "out of memory\n");
        return;
    }
    term_table_head(t, (const char *const[]){"SITE", "STATUS", ">SITEMAPS", ">PAGES", ">NEW", ">GONE", ">TIME", NULL});
    for (size_t i = 0; i < n; i++) {
        const struct store_outcome *o = &outcomes[i];
        char text[32];
        term_table_cell(t, str_of(o->domain && *o->domain ? o->domain : o->site));
        term_table_cellf(t, "%s", job_status_enum.values[o->status]);
        term_table_cellf(t, "%s", term_count(o->counts.sitemaps, text));
        term_table_cellf(t, "%s", term_count(o->counts.entries - o->counts.dropped, text));
        term_table_cellf(t, "%s", term_count((uint64_t)o->pages_new, text));
        term_table_cellf(t, "%s", term_count((uint64_t)o->pages_gone, text));
        term_table_cellf(t, "%s", term_duration(o->duration_ns, text));
    }
    if (term_table_print(t, out) < 0) {
        (void)fprintf(out, "out of memory\n");
    }
    term_table_free(t);
    for (size_t i = 0; i < n; i++) {
        if (outcomes[i].error[0] && outcomes[i].status == JOB_FAILED) {
            (void)fprintf(out, "\n%s failed: %s\n", outcomes[i].site, outcomes[i].error);
        }
        notes(out, &outcomes[i]);
    }
}

int scan_report_json(FILE *out, const struct store_outcome *o)
{
    buf line BUF_AUTO;
    buf_init(&line, LINE_MAX_BYTES);
    struct json_writer w;
    json_start(&w, &line);
    store_outcome_json(&w, o);
    (void)buf_put_char(&line, '\n');
    if (line.err) {
        return line.err;
    }
    (void)fwrite(line.p, 1, line.len, out);
    (void)fflush(out);
    return 0;
}

void scan_report_progress(struct term_progress *p, const struct store_outcome *all, size_t n, size_t done,
                          const struct store_outcome *current)
{
    if (!p->on) {
        return;
    }
    uint64_t pages = 0, sitemaps = 0, known = 0;
    for (size_t i = 0; i < n; i++) {
        pages += all[i].counts.entries - all[i].counts.dropped;
        sitemaps += all[i].counts.sitemaps;
        known += all[i].counts.sitemaps + all[i].counts.queued;
    }
    char text[256], count[32];
    (void)snprintf(text, sizeof text, "%zu/%zu sites  %llu/%llu sitemaps  %s pages  %s", done, n,
                   (unsigned long long)sitemaps, (unsigned long long)known, term_count(pages, count),
                   current->domain ? current->domain : "");
    double of_sitemaps = known ? (double)sitemaps / (double)known : 0;
    term_progress_show(p, n == 1 ? of_sitemaps : (double)done / (double)n, text);
}
