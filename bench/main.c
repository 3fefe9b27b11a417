/* bench [NAME...] [--peers] [--json FILE] [--list] */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "bench.h"

/* Each part has a table in a file of its own; to add one, name it here and in meson.build. */
extern const struct bench_case base_cases[], engine_cases[], fetch_cases[], fiber_cases[], load_cases[], parse_cases[],
    migrate_cases[], scan_cases[], selectin_cases[], strata_pg_cases[], strata_stream_cases[], strata_write_cases[],
    url_cases[];
extern int strata_stream_child(int argc, char **argv);
static const struct {
    const char *group; /* a name for all of them */
    const struct bench_case *cases;
} parts[] = {
    {"base", base_cases},
    {"engine", engine_cases},
    {"fetch", fetch_cases},
    {"fiber", fiber_cases},
    {"parse", parse_cases},
    {"scan", scan_cases},
    {"url", url_cases},
    {"strata", load_cases},
    {"migrate", migrate_cases},
    {"strata", selectin_cases},
    {"strata", strata_write_cases},
    {"strata", strata_pg_cases},
    {"strata", strata_stream_cases},
};

enum { ROUNDS = 5, ROUNDS_MAX = 25 };

struct options {
    char **names;
    int n_names;
    bool peers, list;
    const char *json_file;
};

struct result {
    const struct bench_case *c;
    double ours, theirs, ratio, sqlalchemy; /* BENCH_FAILED: not measured */
};

static char temp_dir[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_temp(void)
{
    (void)nftw(temp_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *bench_temp(const char *name)
{
    static char path[512];
    if (!temp_dir[0]) {
        (void)snprintf(temp_dir, sizeof temp_dir, "/tmp/waymark-bench-XXXXXX");
        if (!mkdtemp(temp_dir) || atexit(remove_temp) != 0) {
            bench_say("no temporary folder: %s", strerror(errno));
            exit(1);
        }
    }
    (void)snprintf(path, sizeof path, "%s/%s", temp_dir, name);
    return path;
}

const char *bench_source(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", SOURCE_ROOT, name);
    return path;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static bool is_rate(const char *unit)
{
    size_t n = strlen(unit);
    return n >= 2 && strcmp(unit + n - 2, "/s") == 0;
}

static bool measure(const struct bench_case *c, bool peers, struct result *ret)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    int rounds = c->rounds ? c->rounds : ROUNDS;
    bool compare = c->theirs && (peers || !c->needs_peers);
    *ret = (struct result){
        .c = c, .ours = BENCH_FAILED, .theirs = BENCH_FAILED, .ratio = BENCH_FAILED, .sqlalchemy = BENCH_FAILED};
    for (int i = 0; i < rounds && i < ROUNDS_MAX; i++) {
        ours[i] = c->ours();
        theirs[i] = compare ? c->theirs() : 0;
        if (ours[i] < 0 || theirs[i] < 0) {
            bench_say("%s: %s could not be measured", c->name, ours[i] < 0 ? "ours" : "theirs");
            return false;
        }
    }
    ret->ours = median(ours, rounds);
    if (compare) {
        ret->theirs = median(theirs, rounds);
        ret->ratio = is_rate(c->unit) ? ret->ours / ret->theirs : ret->theirs / ret->ours;
    }
    if (peers && c->sqlalchemy) {
        ret->sqlalchemy = bench_sqlalchemy(c->sqlalchemy);
        return ret->sqlalchemy >= 0;
    }
    return true;
}

static const char *spell(double v, char out[static 32])
{
    if (v < 0) {
        (void)snprintf(out, 32, "-");
    } else if (v >= 1e6) {
        (void)snprintf(out, 32, "%.2fM", v / 1e6);
    } else {
        (void)snprintf(out, 32, v >= 1000 ? "%.0f" : v >= 10 ? "%.1f" : "%.2f", v);
    }
    return out;
}

static void print_heading(bool peers)
{
    (void)printf("%-28s %10s %10s %7s%s  %-8s note\n", "case", "ours", "theirs", "ratio", peers ? " SQLAlchemy" : "",
                 "unit");
}

static void print_result(const struct result *r, bool peers)
{
    char ours[32], theirs[32], ratio[32], peer[32];
    (void)printf("%-28s %10s %10s %7s", r->c->name, spell(r->ours, ours), spell(r->theirs, theirs),
                 spell(r->ratio, ratio));
    if (peers) {
        (void)printf(" %10s", spell(r->sqlalchemy, peer));
    }
    (void)printf("  %-8s %s\n", r->c->unit, r->c->note);
    (void)fflush(stdout);
}

static void write_number(struct json_writer *w, const char *key, double v)
{
    json_key(w, key);
    if (v < 0) {
        json_null(w);
        return;
    }
    char five_digits[32]; /* more would only claim a precision that is not there */
    (void)snprintf(five_digits, sizeof five_digits, "%.5g", v);
    json_double(w, strtod(five_digits, NULL));
}

static void write_result(struct json_writer *w, const struct result *r)
{
    json_object(w);
    json_key(w, "case");
    json_cstring(w, r->c->name);
    write_number(w, "ours", r->ours);
    write_number(w, "theirs", r->theirs);
    write_number(w, "ratio", r->ratio);
    write_number(w, "sqlalchemy", r->sqlalchemy);
    json_key(w, "unit");
    json_cstring(w, r->c->unit);
    json_key(w, "note");
    json_cstring(w, r->c->note);
    json_end(w);
}

static bool is_wanted(const struct options *o, const char *group, const char *name)
{
    bool wanted = o->n_names == 0;
    for (int i = 0; i < o->n_names; i++) {
        wanted |= strncmp(name, o->names[i], strlen(o->names[i])) == 0 || strcmp(group, o->names[i]) == 0;
    }
    return wanted;
}

static bool save(const char *path, const buf *b)
{
    FILE *f = fopen(path, "we");
    bool ok = f && b->err == 0 && fwrite(b->p, 1, b->len, f) == b->len && fputc('\n', f) != EOF;
    if (!f || fclose(f) != 0 || !ok) {
        bench_say("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

/* A part's cases, in a process of their own: servers, loops and touched memory of one part do not meet the next. What
 * was measured goes through fd. */
static int run_part(const struct options *o, size_t part, int fd)
{
    int failed = 0;
    for (const struct bench_case *c = parts[part].cases; c->name; c++) {
        struct result r;
        if (is_wanted(o, parts[part].group, c->name)) {
            failed += !measure(c, o->peers, &r);
            print_result(&r, o->peers);
            failed += write(fd, &r, sizeof r) != sizeof r;
        }
    }
    return failed ? 1 : 0;
}

/* False unless all of the part's cases were measured. */
static bool fork_part(const struct options *o, size_t part, struct json_writer *w)
{
    int fds[2], status = 1;
    if (pipe(fds) != 0) {
        bench_say("pipe: %s", strerror(errno));
        return false;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(fds[0]);
        exit(run_part(o, part, fds[1])); /* which stops its servers and removes its files */
    }
    (void)close(fds[1]);
    struct result r;
    while (read(fds[0], &r, sizeof r) == sizeof r) { /* cases and their names are the same in both processes */
        write_result(w, &r);
    }
    (void)close(fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && status == 0;
}

static size_t count_wanted(const struct options *o, size_t part, bool list)
{
    size_t n = 0;
    for (const struct bench_case *c = parts[part].cases; c->name; c++) {
        if (is_wanted(o, parts[part].group, c->name)) {
            n++;
            if (list) {
                (void)printf("%-28s %-8s %s%s\n", c->name, c->unit, c->note, c->needs_peers ? " (--peers)" : "");
            }
        }
    }
    return n;
}

static int run(const struct options *o)
{
    BUF_AUTO buf b;
    struct json_writer w;
    buf_init(&b, 1 << 24);
    json_start(&w, &b);
    json_array(&w);
    bool chosen = false, failed = false;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        if (!count_wanted(o, p, o->list)) {
            continue;
        }
        if (!o->list) {
            if (!chosen) {
                print_heading(o->peers);
            }
            failed |= !fork_part(o, p, &w);
        }
        chosen = true;
    }
    json_end(&w);
    if (!chosen) {
        bench_say("no case of that name; --list shows them");
        return 2;
    }
    if (o->json_file && !o->list && !save(o->json_file, &b)) {
        return 1;
    }
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options o = {.names = argv + 1};
    if (argc > 1 && strcmp(argv[1], "--child") == 0) { /* strata_stream.c, of itself */
        return strata_stream_child(argc, argv);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--peers") == 0) {
            o.peers = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            o.list = true;
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            o.json_file = argv[++i];
        } else if (argv[i][0] == '-') {
            (void)fprintf(stderr, "usage: bench [NAME...] [--peers] [--json FILE] [--list]\n");
            return 2;
        } else {
            o.names[o.n_names++] = argv[i];
        }
    }
    return run(&o);
}
