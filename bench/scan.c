/* A whole site: 50 sitemaps of 50,000 URLs each, from nginx on loopback into SQLite, by the program itself. */
#include <arpa/inet.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { FILES = 50, URLS = 50000, PATH_SIZE = 512 };

static int url_of(char *out, size_t size, int file, int i)
{
    return snprintf(out, size, "http://bench.test/catalog/section-%02d/item-%05d-of-the-long-list.html", file, i);
}

static bool write_site(const char *root)
{
    char path[PATH_SIZE + 32], url[160];
    for (int file = -1; file < FILES; file++) {
        (void)snprintf(path, sizeof path, file < 0 ? "%s/index.xml" : "%s/s%d.xml", root, file);
        FILE *f = fopen(path, "w");
        if (!f) {
            return false;
        }
        (void)fprintf(
            f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
            file < 0 ? "sitemapindex" : "urlset");
        for (int i = 0; i < (file < 0 ? FILES : URLS); i++) {
            if (file < 0) {
                (void)fprintf(f, "<sitemap><loc>http://bench.test/s%d.xml</loc></sitemap>\n", i);
            } else {
                (void)url_of(url, sizeof url, file, i);
                (void)fprintf(f, "  <url>\n    <loc>%s</loc>\n    <lastmod>2026-11-0%d</lastmod>\n  </url>\n", url,
                              i % 9 + 1);
            }
        }
        (void)fprintf(f, "</%s>\n", file < 0 ? "sitemapindex" : "urlset");
        if (fclose(f) != 0) {
            return false;
        }
    }
    (void)snprintf(path, sizeof path, "%s/robots.txt", root);
    FILE *f = fopen(path, "w");
    return f && fprintf(f, "Sitemap: http://bench.test/index.xml\n") > 0 && fclose(f) == 0;
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok ? ntohs(a.sin_port) : -1;
}

struct site {
    char root[PATH_SIZE];
    pid_t nginx;
    int port;
};

static bool answers(int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

/* Made once, kept for all rounds; nginx ends with this process. */
static struct site *site(void)
{
    static struct site s;
    if (s.port) {
        return s.port > 0 ? &s : NULL;
    }
    s.port = -1;
    char conf[PATH_SIZE + 16];
    (void)snprintf(s.root, sizeof s.root, "%s", bench_temp("site"));
    (void)snprintf(conf, sizeof conf, "%s.conf", s.root);
    int port = free_port();
    if (port < 0 || mkdir(s.root, 0755) < 0 || !write_site(s.root)) {
        bench_say("cannot write the site to %s", s.root);
        return NULL;
    }
    FILE *f = fopen(conf, "w");
    if (!f ||
        fprintf(f,
                "daemon off; master_process off; pid %s.pid; error_log /dev/null; events {} http { access_log off; "
                "sendfile on;\n"
                "client_body_temp_path %s.b; proxy_temp_path %s.p; fastcgi_temp_path %s.f; uwsgi_temp_path %s.u;\n"
                "scgi_temp_path %s.s; types { application/xml xml; text/plain txt; }\n"
                "server { listen 127.0.0.1:%d; root %s; } }\n",
                s.root, s.root, s.root, s.root, s.root, s.root, port, s.root) < 0 ||
        fclose(f) != 0) {
        bench_say("cannot write %s", conf);
        return NULL;
    }
    s.nginx = fork();
    if (s.nginx == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl("/usr/sbin/nginx", "nginx", "-c", conf, "-e", "/dev/null", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 200 && !answers(port); i++) {
        (void)nanosleep(&(const struct timespec){.tv_nsec = 20000000}, NULL);
    }
    if (!answers(port)) {
        bench_say("nginx does not answer; is the package nginx-light installed?");
        return NULL;
    }
    s.port = port;
    return &s;
}

static void remove_db(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char p[PATH_SIZE + 16];
        (void)snprintf(p, sizeof p, "%s%s", path, ends[i]);
        (void)unlink(p);
    }
}

static bool scan(struct bench_usage *u)
{
    const struct site *s = site();
    if (!s) {
        return false;
    }
    char db[PATH_SIZE], url[PATH_SIZE + 32], pin[64];
    (void)snprintf(db, sizeof db, "%s", bench_temp("scan.db"));
    (void)snprintf(url, sizeof url, "sqlite:///%s", db);
    (void)snprintf(pin, sizeof pin, "bench.test:80:127.0.0.1:%d", s->port);
    const char *const argv[] = {
        WAYMARK_EXE,       "scan", "http://bench.test", "--allow-private", "--resolve", pin, "--db", url,
        "--sitemaps-only", NULL};
    bool ok = bench_command(argv, u);
    remove_db(db);
    return ok;
}

static double scan_rate(void)
{
    struct bench_usage u;
    return scan(&u) ? FILES * (double)URLS / u.seconds : BENCH_FAILED;
}

static double scan_peak(void)
{
    struct bench_usage u;
    return scan(&u) ? u.peak_mib : BENCH_FAILED;
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The same rows into the same columns, keys and indexes by hand-written C alone: no HTTP, no parsing. */
static double insert_rate(void)
{
    static const char schema[] =
        "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;"
        "create table domains (tenant_id blob not null, id blob not null, primary key (tenant_id, id));"
        "create table files (tenant_id blob not null, id blob not null, primary key (tenant_id, id));"
        "create table pages (tenant_id blob not null, id blob not null, domain_id blob not null, file_id blob, url "
        "text not null,"
        " status integer not null, changefreq integer, priority real, lastmod integer, first_seen integer not null,"
        " last_seen integer not null, alternates text, images text, news text, videos text, created_at integer not "
        "null,"
        " updated_at integer not null, version integer not null, primary key (tenant_id, id), unique (tenant_id, "
        "domain_id, url),"
        " foreign key (tenant_id, domain_id) references domains, foreign key (tenant_id, file_id) references files);"
        "insert into domains values (zeroblob(16), zeroblob(16)); insert into files values (zeroblob(16), "
        "zeroblob(16));";
    char path[PATH_SIZE], url[160];
    (void)snprintf(path, sizeof path, "%s", bench_temp("insert.db"));
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    double start = seconds(), rate = BENCH_FAILED;
    if (sqlite3_open(path, &db) || sqlite3_exec(db, schema, NULL, NULL, NULL) ||
        sqlite3_prepare_v2(
            db,
            "insert into pages values (zeroblob(16), ?1, zeroblob(16), zeroblob(16), ?2, 0, null, null, ?3, ?3, ?3,"
            " null, null, null, null, ?3, ?3, 1) on conflict do nothing",
            -1, &st, NULL)) {
        goto out;
    }
    for (int file = 0; file < FILES; file++) {
        for (int i = 0; i < URLS; i++) {
            bool edge = i % 4096 == 0;
            if (edge && sqlite3_exec(db, i || file ? "commit; begin" : "begin", NULL, NULL, NULL)) {
                goto out;
            }
            uint32_t id[4] = {(uint32_t)htonl((uint32_t)file), htonl((uint32_t)i), 0, 0};
            sqlite3_bind_blob(st, 1, id, sizeof id, SQLITE_STATIC);
            sqlite3_bind_text(st, 2, url, url_of(url, sizeof url, file, i), SQLITE_STATIC);
            sqlite3_bind_int64(st, 3, INT64_C(1793000000000000));
            if (sqlite3_step(st) != SQLITE_DONE) {
                goto out;
            }
            (void)sqlite3_reset(st);
        }
    }
    if (sqlite3_exec(db, "commit", NULL, NULL, NULL) == SQLITE_OK) {
        rate = FILES * (double)URLS / (seconds() - start);
    }
out:
    if (rate < 0) {
        bench_say("sqlite: %s", sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    remove_db(path);
    return rate;
}

const struct bench_case scan_cases[] = {
    {.name = "scan-sqlite",
     .unit = "URLs/s",
     .rounds = 3,
     .ours = scan_rate,
     .theirs = insert_rate,
     .note = "2.5 million URLs in 50 sitemaps from nginx into SQLite by `waymark scan`; theirs: the inserts alone, "
             "hand-written"},
    {.name = "scan-memory",
     .unit = "MiB",
     .rounds = 1,
     .ours = scan_peak,
     .note = "peak memory of that scan; the limit is 64, the target 16"},
    {.name = NULL},
};
