/* `waymark doctor`: whether this machine and its database are fit, each point with its remedy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/diag.h"
#include "waymark/cli/cli.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/common.h"
#include "waymark/cli/term.h"
#include "waymark/migrations/migrations.h"
#include "waymark/scrape/versions.h"

struct command {
    struct db_options db;
    int problems;
};

static void good(const char *what, const char *detail)
{
    printf("ok    %-12s %s\n", what, detail);
}

static void bad(struct command *c, const char *what, const char *detail, const char *remedy)
{
    c->problems++;
    printf("FAIL  %-12s %s\n      %-12s %s\n", what, detail, "", remedy);
}

static void libraries(struct command *c)
{
    char data[128], web[128], text[264];
    bool https = scrape_versions(web, sizeof web);
    st_library_versions(data, sizeof data);
    (void)snprintf(text, sizeof text, "%s, %s", data, web);
    if (https) {
        good("libraries", text);
    } else {
        bad(c, "libraries", text,
            "libcurl has no TLS, so https sites cannot be read: install the distribution's libcurl4");
    }
}

static void limits(struct command *c)
{
    struct rlimit files;
    char text[96];
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        (void)snprintf(text, sizeof text, "%llu open files allowed", (unsigned long long)files.rlim_cur);
        if (files.rlim_cur < 256) {
            bad(c, "files", text, "raise it: ulimit -n 1024");
        } else {
            good("files", text);
        }
    }
}

static void clock_is_sane(struct command *c)
{
    char text[CLOCK_TEXT_MAX];
    int64_t now = clock_wall_us();
    (void)clock_format_rfc3339(now - now % 1000000, text);
    if (now < INT64_C(1735689600000000)) { /* 2025-01-01 */
        bad(c, "clock", text, "the clock is behind: certificates and times will be wrong; set it");
    } else {
        good("clock", text);
    }
}

static void disk(struct command *c, const char *url)
{
    static const char scheme[] = "sqlite:///";
    const char *path = url + strlen(scheme);
    struct statvfs fs;
    char dir[4096], text[64], n[32];
    if (strncmp(url, scheme, strlen(scheme)) != 0 || strlen(path) >= sizeof dir) {
        return;
    }
    memcpy(dir, path, strlen(path) + 1);
    char *slash = strrchr(dir, '/');
    if (slash) {
        *slash = '\0';
    }
    if (statvfs(slash && *dir ? dir : ".", &fs) < 0) {
        return;
    }
    uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
    (void)snprintf(text, sizeof text, "%s free", term_bytes(left, n));
    if (left < (uint64_t)256 << 20) {
        bad(c, "disk", text, "free some space, or name another place with --data DIR");
    } else {
        good("disk", text);
    }
}

static void database(struct command *c)
{
    st_engine *e;
    if (db_open(&c->db, true, &e) < 0) {
        if (diag_last()->code == -ENOENT) { /* nothing scanned yet: not a fault */
            good("database", "none yet; the first scan makes one");
        } else {
            bad(c, "database", diag_last()->message,
                diag_last()->hint[0] ? diag_last()->hint : "check --db or $WAYMARK_DB");
        }
        return;
    }
    if (st_engine_ping(e, fiber_in_ms(10000)) < 0) {
        bad(c, "database", diag_last()->message, "is the server running, and is the URL right?");
    } else {
        good("database", st_engine_url(e));
        diag_clear();
        if (st_is_at_head(e, &waymark_migrations)) {
            good("schema", "at the newest revision");
        } else {
            bad(c, "schema", diag_last()->code ? diag_last()->message : "behind this program",
                "run `waymark migrate upgrade`");
        }
        disk(c, st_engine_url(e));
    }
    st_engine_close(e);
}

static int work(void *arg)
{
    struct command *c = arg;
    libraries(c);
    limits(c);
    clock_is_sane(c);
    database(c);
    if (c->problems) {
        printf("\n%d problem%s found.\n", c->problems, c->problems == 1 ? "" : "s");
        return CLI_FAILED;
    }
    printf("\nAll is well.\n");
    return cli_finish("doctor");
}

int cmd_doctor(int argc, char **argv)
{
    struct command c = {.problems = 0};
    const struct opt opts[] = {DB_OPTIONS(&c.db)};
    const struct opt_spec spec = {
        "doctor", "[--db URL]",
        "Checks libraries, limits, clock, disk and database, and says how to mend what is wrong.", opts,
        sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    return argc > 1 ? cli_usage_error("doctor", "takes no operand, not '%s'", argv[1])
                    : cli_run_loop("doctor", work, &c);
}
