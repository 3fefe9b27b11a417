/* Sitemaps and pages: 50,000 entries of the usual shape, and the HTML of PostgreSQL's manual. */
#include <dirent.h>
#include <expat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "bench.h"
#include "parse_peer.h"
#include "waymark/cli/sitemap.h"
#include "waymark/scrape/site.h"
#include "waymark/scrape/sitemap.h"

enum { ENTRIES = 50000, CHUNK = 64 << 10, PAGES_MAX = 8 << 20 };

static buf doc, packed, pages;
static size_t page_ends[1500], n_pages; /* of each page in pages */

static const char *make_sitemap(void)
{
    if (doc.len) {
        return bench_temp("sitemap.xml");
    }
    buf_init(&doc, 64 << 20);
    (void)buf_puts(&doc, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    for (unsigned i = 0; i < ENTRIES; i++) {
        (void)buf_printf(&doc,
                         "  <url>\n    <loc>https://www.example.com/category-%u/some-product-name-%u</loc>\n"
                         "    <lastmod>2024-%02u-%02uT10:%02u:00+00:00</lastmod>\n"
                         "    <changefreq>weekly</changefreq>\n    <priority>0.%u</priority>\n  </url>\n",
                         i % 97, i, i % 12 + 1, i % 28 + 1, i % 60, i % 10);
    }
    (void)buf_puts(&doc, "</urlset>\n");
    FILE *f = fopen(bench_temp("sitemap.xml"), "we");
    bool ok = f && doc.err == 0 && fwrite(doc.p, 1, doc.len, f) == doc.len;
    if (!f || fclose(f) != 0 || !ok) {
        bench_say("cannot write %s", bench_temp("sitemap.xml"));
        return NULL;
    }
    return bench_temp("sitemap.xml");
}

static bool make_packed(void)
{
    z_stream z = {0};
    if (packed.len) {
        return true;
    }
    buf_init(&packed, 64 << 20);
    char *to = make_sitemap() ? buf_reserve(&packed, compressBound(doc.len) + 64) : NULL;
    if (!to || deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    z.next_in = (Bytef *)doc.p;
    z.avail_in = (uInt)doc.len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)(compressBound(doc.len) + 64);
    bool ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
    packed.len = z.total_out;
    (void)deflateEnd(&z);
    return ok;
}

static int ignore_entries(void *arg, const struct sitemap_entry *entries, size_t n)
{
    bench_use(entries);
    *(uint64_t *)arg += n;
    return 0;
}

static double seconds_since(int64_t start)
{
    return (double)(clock_mono_ns() - start) / 1e9;
}

static double entries_per_second(str in)
{
    sitemap_parser *s;
    uint64_t n = 0;
    int64_t start = clock_mono_ns();
    if (sitemap_parser_new(NULL, ignore_entries, &n, &s)) {
        return BENCH_FAILED;
    }
    for (size_t at = 0; at < in.len; at += CHUNK) {
        if (sitemap_parser_feed(s, in.p + at, in.len - at < CHUNK ? in.len - at : CHUNK)) {
            return BENCH_FAILED;
        }
    }
    int r = sitemap_parser_finish(s);
    double seconds = seconds_since(start);
    sitemap_parser_free(s);
    return r || n != ENTRIES ? BENCH_FAILED : ENTRIES / seconds;
}

static double scan_ours(void)
{
    return make_sitemap() ? entries_per_second(buf_str(&doc)) : BENCH_FAILED;
}

static double gzip_ours(void)
{
    return make_packed() ? entries_per_second(buf_str(&packed)) : BENCH_FAILED;
}

static double gzip_floor(void)
{
    static char out[CHUNK];
    z_stream z = {.next_in = (Bytef *)packed.p, .avail_in = (uInt)packed.len};
    int64_t start = clock_mono_ns();
    if (inflateInit2(&z, 15 + 16) != Z_OK) {
        return BENCH_FAILED;
    }
    int r = Z_OK;
    while (r == Z_OK) {
        z.next_out = (Bytef *)out;
        z.avail_out = sizeof out;
        r = inflate(&z, Z_NO_FLUSH);
        bench_use(out);
    }
    (void)inflateEnd(&z);
    return r == Z_STREAM_END ? ENTRIES / seconds_since(start) : BENCH_FAILED;
}

/* The least that any reader on expat does: it notices each <loc> and gathers its text. */
struct least {
    uint64_t n;
    bool in_loc;
    char text[2048];
    size_t len;
};

static void XMLCALL least_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
    struct least *l = arg;
    (void)atts;
    l->in_loc = strcmp(name, "loc") == 0;
    l->len = 0;
}

static void XMLCALL least_end(void *arg, const XML_Char *name)
{
    struct least *l = arg;
    (void)name;
    l->n += l->in_loc;
    l->in_loc = false;
}

static void XMLCALL least_text(void *arg, const XML_Char *p, int len)
{
    struct least *l = arg;
    if (l->in_loc && l->len + (size_t)len <= sizeof l->text) {
        memcpy(l->text + l->len, p, (size_t)len);
        l->len += (size_t)len;
    }
}

static double scan_expat(void)
{
    struct least l = {0};
    int64_t start = clock_mono_ns();
    XML_Parser p = XML_ParserCreate(NULL);
    if (!p) {
        return BENCH_FAILED;
    }
    XML_SetUserData(p, &l);
    XML_SetElementHandler(p, least_start, least_end);
    XML_SetCharacterDataHandler(p, least_text);
    for (size_t at = 0; at < doc.len; at += CHUNK) {
        size_t n = doc.len - at < CHUNK ? doc.len - at : CHUNK;
        if (XML_Parse(p, doc.p + at, (int)n, at + n == doc.len) != XML_STATUS_OK) {
            return BENCH_FAILED;
        }
    }
    XML_ParserFree(p);
    return l.n == ENTRIES ? ENTRIES / seconds_since(start) : BENCH_FAILED;
}

static double scan_floor(void)
{
    int64_t start = clock_mono_ns();
    uint64_t n = 0;
    const char *end = doc.p + doc.len, *open, *close;
    for (const char *p = doc.p; (open = memmem(p, (size_t)(end - p), "<loc>", 5)); n++) {
        close = memmem(open, (size_t)(end - open), "</loc>", 6);
        if (!close) {
            break;
        }
        bench_use(close);
        p = close;
    }
    return n == ENTRIES ? ENTRIES / seconds_since(start) : BENCH_FAILED;
}

static int print_once(void *arg)
{
    const char *path = arg;
    struct sitemap_result result;
    int in = open(path, O_RDONLY | O_CLOEXEC), out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int r = in < 0 || out < 0 ? -1 : sitemap_print(in, out, NULL, &result);
    (void)close(in);
    (void)close(out);
    return r || result.entries != ENTRIES ? -1 : 0;
}

static double print_ours(void)
{
    const char *path = make_sitemap();
    int64_t start = clock_mono_ns();
    return path && print_once((void *)(uintptr_t)path) == 0 ? ENTRIES / seconds_since(start) : BENCH_FAILED;
}

/* The whole program, from its start to its end. */
static bool run_program(struct bench_usage *ret)
{
    const char *path = make_sitemap();
    const char *const argv[] = {WAYMARK_EXE, "sitemap", "parse", path, NULL};
    return path && bench_command(argv, ret);
}

static double program_rate(void)
{
    struct bench_usage u;
    return run_program(&u) ? ENTRIES / u.seconds : BENCH_FAILED;
}

static double program_peak(void)
{
    struct bench_usage u;
    return run_program(&u) ? u.peak_mib : BENCH_FAILED;
}

/* The manual's pages, until there are PAGES_MAX bytes of them. */
static bool load_pages(void)
{
    static const char folder[] = "/usr/share/doc/postgresql-doc-15/html";
    DIR *dir = pages.len ? NULL : opendir(folder);
    if (pages.len) {
        return true;
    }
    if (!dir) {
        bench_say("the pages are those of the package postgresql-doc-15, which is not installed");
        return false;
    }
    buf_init(&pages, PAGES_MAX);
    for (const struct dirent *e;
         (e = readdir(dir)) && pages.err == 0 && n_pages < sizeof page_ends / sizeof *page_ends;) {
        int fd = str_ends(str_of(e->d_name), STR(".html")) ? openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC) : -1;
        off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
        char *to = size > 0 ? buf_reserve(&pages, (size_t)size) : NULL;
        if (to && pread(fd, to, (size_t)size, 0) == size) {
            pages.len += (size_t)size;
            page_ends[n_pages++] = pages.len;
        }
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    (void)closedir(dir);
    return pages.len > PAGES_MAX / 2;
}

static int ignore_token(void *arg, const struct html_token *t)
{
    bench_use(t);
    ++*(uint64_t *)arg;
    return 0;
}

static str page(size_t i)
{
    size_t from = i ? page_ends[i - 1] : 0;
    return str_n(pages.p + from, page_ends[i] - from);
}

static int read_page(str p, unsigned want, uint64_t *n)
{
    html *h;
    struct html_options o = {.want = want, .charset = "utf-8"};
    int r = html_new(&o, ignore_token, n, &h);
    if (r) {
        return r;
    }
    for (size_t at = 0; at < p.len && r == 0; at += CHUNK) {
        r = html_feed(h, p.p + at, p.len - at < CHUNK ? p.len - at : CHUNK);
    }
    r = r ? r : html_finish(h);
    html_free(h);
    return r;
}

static double megabytes_per_second(int64_t start)
{
    return (double)pages.len / 1e6 / seconds_since(start);
}

static double tokens_per_second(unsigned want)
{
    uint64_t n = 0;
    int r = load_pages() ? 0 : -1;
    int64_t start = clock_mono_ns();
    for (size_t i = 0; i < n_pages && r == 0; i++) {
        r = read_page(page(i), want, &n);
    }
    return r || n == 0 ? BENCH_FAILED : megabytes_per_second(start);
}

static double tags_ours(void)
{
    return tokens_per_second(0);
}

static double tags_floor(void)
{
    int64_t start = clock_mono_ns();
    uint64_t n = 0;
    const char *end = pages.p + pages.len;
    for (const char *p = pages.p; (p = memchr(p, '<', (size_t)(end - p))); p++) {
        n++;
    }
    bench_use(&n);
    return n ? megabytes_per_second(start) : BENCH_FAILED;
}

static double tokens_ours(void)
{
    return tokens_per_second(HTML_WANT_ALL);
}

static double tokens_peer(void)
{
    int64_t start = clock_mono_ns();
    uint64_t n = 0;
    for (size_t i = 0; i < n_pages; i++) {
        n += peer_html_events(page(i).p, page(i).len, CHUNK);
    }
    if (n == 0) {
        bench_say("libxml2's headers were not there when this was built");
    }
    return n ? megabytes_per_second(start) : BENCH_FAILED;
}

static int ignore_link(void *arg, const struct site_link *l)
{
    bench_use(l);
    ++*(uint64_t *)arg;
    return 0;
}

static int read_facts(arena *a, str p, uint64_t *n)
{
    site_reader *r;
    const struct site *s;
    int err = site_reader_open(a, NULL, ignore_link, n, &r);
    if (err) {
        return err;
    }
    err = site_reader_feed(r, p.p, p.len);
    err = err ? err : site_reader_finish(r, &s);
    site_reader_close(r);
    return err;
}

static double facts_ours(void)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    uint64_t n = 0;
    int r = load_pages() && a ? 0 : -1;
    int64_t start = clock_mono_ns();
    for (size_t i = 0; i < n_pages && r == 0; i++) {
        r = read_facts(a, page(i), &n);
        arena_reset(a);
    }
    return r || n == 0 ? BENCH_FAILED : megabytes_per_second(start);
}

extern const struct bench_case parse_cases[];
const struct bench_case parse_cases[] = {
    {"sitemap_scan", "URLs/s", "50,000 entries of 205 bytes; theirs: expat that gathers each loc", scan_ours,
     scan_expat, false, 0},
    {"sitemap_scan_floor", "URLs/s", "the same; theirs: memmem finds each <loc> and </loc>, the least there is",
     scan_ours, scan_floor, false, 0},
    {"sitemap_gzip", "URLs/s", "the same, gzipped; theirs: zlib inflates it and nothing else", gzip_ours, gzip_floor,
     false, 0},
    {"sitemap_print", "URLs/s", "what `sitemap parse` does: file, canonical URLs, JSON to /dev/null", print_ours, NULL,
     false, 0},
    {"sitemap_parse", "URLs/s", "the same by `waymark sitemap parse`, its start and end included", program_rate, NULL,
     false, 0},
    {"sitemap_parse_memory", "MiB", "peak memory of that, libraries included", program_peak, NULL, false, 1},
    {"html_tags", "MB/s", "8 MB of a manual, start tags wanted; theirs: memchr counts '<'", tags_ours, tags_floor,
     false, 0},
    {"html_tokens", "MB/s", "the same, all tokens; theirs: libxml2's push parser with SAX", tokens_ours, tokens_peer,
     true, 0},
    {"site_facts", "MB/s", "the same, title, links and what else a page says of itself", facts_ours, NULL, false, 0},
    {NULL, NULL, NULL, NULL, NULL, false, 0},
};
