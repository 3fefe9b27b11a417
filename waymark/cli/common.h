/* common.h: what commands share beyond their options' table: the loop, the door, the database. */
#ifndef WAYMARK_CLI_COMMON_H
#define WAYMARK_CLI_COMMON_H

#include "fiber/fiber.h"
#include "strata/engine.h"
#include "strata/migrate.h"
#include "waymark/cli/opt.h"
#include "waymark/scrape/scan.h"

/* Opens a loop, runs fn(arg) as a fiber on it, and returns fn's result: the exit status. */
int cli_run_loop(const char *command, int (*fn)(void *arg), void *arg);
/* The same; SIGINT and SIGTERM cancel the fiber, a second one ends the program at once. */
int cli_run_loop_interruptible(const char *command, int (*fn)(void *arg), void *arg);

/* ---- the door ---- */
struct door_options {
    bool allow_private;
    struct opt_list pins; /* as given */
    const char *ca_file, *user_agent;
    uint64_t timeout_s, delay_ms;
    struct netvet_pin *parsed;
};
#define DOOR_OPTIONS(d)                                                                                             \
    OPT_FLAG("allow-private", &(d)->allow_private, "also reach private and loopback addresses, and any port"),      \
        OPT_LIST("resolve", "HOST:PORT:ADDRESS", &(d)->pins,                                                        \
                 "reach HOST:PORT at ADDRESS (which may name another port); repeatable"),                           \
        OPT_TEXT("ca-file", "FILE", &(d)->ca_file, "trust the certificates in FILE (PEM) instead of the system's"), \
        OPT_TEXT("user-agent", "TEXT", &(d)->user_agent, "call ourselves TEXT"),                                    \
        OPT_UINT("timeout", "SECONDS", &(d)->timeout_s, 1, 86400, "give up on one file after SECONDS (120)"),       \
        OPT_UINT("delay", "MS", &(d)->delay_ms, 0, 600000, "wait MS between two requests to one host (0)")
/* Fills *ret from d; CLI_OK, or another exit status after saying what is wrong. What ret points at is d's. */
int door_setup(const char *command, struct door_options *d, struct fetcher_options *ret);
void door_release(struct door_options *d);

/* ---- how far a scan goes ---- */
struct reach_options {
    unsigned scope; /* index into reach_scopes */
    uint64_t max_sitemaps, max_pages, concurrency;
    bool sitemaps_only, all_paths, drop_tracking, drop_session;
};
extern const char *const reach_scopes[];
#define REACH_OPTIONS(r)                                                                                               \
    OPT_CHOICE("scope", "SCOPE", &(r)->scope, reach_scopes,                                                            \
               "hosts whose pages count: www (with or without www.), host (exactly), site (all subdomains)"),          \
        OPT_UINT("max-sitemaps", "N", &(r)->max_sitemaps, 1, 1000000, "read at most N sitemaps a site (20,000)"),      \
        OPT_UINT("max-pages", "N", &(r)->max_pages, 1, UINT64_MAX, "take at most N page entries a site (no limit)"),   \
        OPT_UINT("concurrency", "N", &(r)->concurrency, 1, 64, "read N sitemaps of a site at once (4)"),               \
        OPT_FLAG("sitemaps-only", &(r)->sitemaps_only, "do not read the home page"),                                   \
        OPT_FLAG("all-paths", &(r)->all_paths, "try the well-known sitemap paths even when the site names a sitemap"), \
        OPT_FLAG("drop-tracking", &(r)->drop_tracking, "drop utm_*, gclid and the like from URLs"),                    \
        OPT_FLAG("drop-session", &(r)->drop_session, "drop session ids such as PHPSESSID from URLs")
void reach_setup(const struct reach_options *r, struct scan_options *ret);

/* ---- the database ---- */
struct db_options {
    const char *url, *data;
};
#define DB_OPTIONS(d)                                                                                   \
    OPT_TEXT("db", "URL", &(d)->url, "the database: sqlite:///FILE or postgresql://... ($WAYMARK_DB)"), \
        OPT_TEXT("data", "DIR", &(d)->data, "where the embedded database lies (~/.local/share/waymark)")
/* Opens it; the data directory is made when it is missing. must_exist: an embedded database that is not there is an
 * error that says how to get one. Returns 0 or a negative code with a diagnosis. */
int db_open(const struct db_options *d, bool must_exist, st_engine **ret);
/* The same, and brings an empty or embedded database to the newest schema; any other that is behind is refused with the
 * command to run. */
int db_open_ready(const struct db_options *d, bool must_exist, st_engine **ret);

#endif
