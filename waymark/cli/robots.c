/* waymark robots: a robots.txt at hand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/opt.h"
#include "waymark/scrape/robots.h"
#include "waymark/scrape/url.h"

static const char check[] = "robots check";

/* Reads as much of FILE as counts, and a byte more to know that there is more. */
static int read_robots(const char *path, robots **ret)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "re");
    if (!f) {
        return cli_error(check, "%s: %s", path, strerror(errno));
    }
    MEM_AUTO char *body = mem_alloc(ROBOTS_MAX + 1);
    size_t len = body ? fread(body, 1, ROBOTS_MAX + 1, f) : 0;
    int error = ferror(f) ? errno : 0;
    if (!is_stdin) {
        (void)fclose(f);
    }
    if (error) {
        return cli_error(check, "%s: %s", path, strerror(error));
    }
    return body && robots_parse(body, len, ret) == 0 ? CLI_OK : cli_error(check, "out of memory");
}

static void print_notes(const char *path, const struct robots_facts *f)
{
    if (f->is_html) {
        (void)cli_error(check, "note: %s starts like an HTML page", path);
    }
    if (f->truncated) {
        (void)cli_error(check, "note: %s is read up to %d bytes", path, ROBOTS_MAX);
    }
    if (f->problems) {
        (void)cli_error(check, "note: %s has %u line%s that mean%s nothing, the first is line %u", path, f->problems,
                        f->problems == 1 ? "" : "s", f->problems == 1 ? "s" : "", f->first_problem);
    }
}

static void print_verdict(struct robots_verdict v, const char *operand)
{
    printf("%s\t%s", v.allowed ? "allow" : "disallow", v.rule ? "" : "no rule");
    /* The rule is the site's text: control characters in it are not for a terminal. */
    for (const char *c = v.rule; c && *c; c++) {
        (void)putchar((uint8_t)*c < ' ' || *c == 0x7f ? '?' : *c);
    }
    if (v.rule) {
        printf(" (line %u)", v.line);
    }
    printf("\t%s\n", operand);
}

static int cmd_check(int argc, char **argv)
{
    const char *agent = "waymark";
    const struct opt opts[] = {
        OPT_TEXT("agent", "NAME", &agent, "product token to look for in User-agent lines (waymark)"),
    };
    const struct opt_spec spec = {
        check, "FILE --agent NAME URL…",
        "Says for each URL whether the robots.txt in FILE ('-': standard input) lets NAME fetch it: \"allow\"\n"
        "or \"disallow\", the rule that decides with its line, or \"no rule\", and the URL, separated by tabs.\n"
        "A URL may be a path; its host does not matter.",
        opts, sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc < 3) {
        return cli_usage_error(check, argc < 2 ? "FILE is missing: give a robots.txt, or '-' for standard input"
                                               : "URL is missing: give at least one behind FILE");
    }
    if (!*agent) {
        return cli_usage_error(check, "--agent needs a name such as waymark");
    }
    BUF_AUTO buf base_buf;
    BUF_AUTO buf b;
    url base, u;
    buf_init(&base_buf, URL_BUF_MAX);
    buf_init(&b, 4 << 20);
    if (url_parse(&base_buf, STR("http://localhost/"), NULL, &base)) {
        return cli_error(check, "out of memory");
    }
    for (int i = 2; i < argc; i++) {
        int rc = url_parse(&b, str_of(argv[i]), *argv[i] == '/' ? &base : NULL, &u);
        if (rc) {
            return cli_usage_error(check, "URL '%s': %s", argv[i], url_error_text(rc));
        }
    }
    ROBOTS_AUTO robots *r = NULL;
    status = read_robots(argv[1], &r);
    if (status) {
        return status;
    }
    print_notes(argv[1], robots_facts(r));
    for (int i = 2; i < argc; i++) {
        if (url_parse(&b, str_of(argv[i]), *argv[i] == '/' ? &base : NULL, &u)) {
            return cli_error(check, "out of memory");
        }
        print_verdict(robots_check(r, agent, url_target(&u)), argv[i]);
    }
    return cli_finish(check);
}

int cmd_robots(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"check", "whether a robots.txt allows URLs, and by which rule", cmd_check},
        {NULL, NULL, NULL},
    };
    return cli_dispatch("robots", "Tools for robots.txt files.", table, argc, argv);
}
