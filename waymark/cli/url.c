/* waymark url: one URL at hand. */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/lines.h"
#include "waymark/cli/opt.h"
#include "waymark/scrape/url.h"

static void put(str s)
{
    (void)fwrite(s.p, 1, s.len, stdout);
    (void)putchar('\n');
}

static void put_invalid(int error, str line)
{
    str scheme = url_scheme(line);
    if (error == URL_OTHER_SCHEME) {
        printf("invalid: %s (%.*s)\n", url_error_text(error), scheme.len > 40 ? 40 : (int)scheme.len, scheme.p);
    } else {
        printf("invalid: %s\n", url_error_text(error));
    }
}

/* Returns an exit status. */
static int normalize_lines(const char *command, struct lines *in, const url *base, unsigned flags)
{
    BUF_AUTO buf b;
    buf_init(&b, 4 * (size_t)LINES_MAX);
    for (;;) {
        str line, canonical;
        bool too_long;
        int rc = lines_next(in, &line, &too_long);
        if (rc < 0) {
            return cli_error(command, "standard input: %s", strerror(-rc));
        }
        if (rc == 0) {
            return cli_finish(command);
        }
        rc = too_long ? URL_TOO_LONG : url_canonicalize(&b, line, base, flags, &canonical);
        if (rc == URL_NOMEM) {
            return cli_error(command, "out of memory");
        }
        if (rc) {
            put_invalid(rc, line);
        } else {
            put(canonical);
        }
    }
}

static int cmd_normalize(int argc, char **argv)
{
    const char *base_text = NULL;
    bool drop_tracking = false, drop_session = false;
    const struct opt opts[] = {
        OPT_TEXT("base", "URL", &base_text, "resolve relative references against URL"),
        OPT_FLAG("drop-tracking", &drop_tracking, "leave out utm_*, gclid, fbclid and the like"),
        OPT_FLAG("drop-session", &drop_session, "leave out PHPSESSID, jsessionid, sid and the like"),
    };
    const struct opt_spec spec = {
        "url normalize", "[OPTION…] < LINES",
        "Reads URLs from standard input, one a line, and writes the canonical form of each, so that two\n"
        "spellings of one URL become the same line. A line that is no http or https URL becomes\n"
        "\"invalid: \" and the reason.",
        opts, sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc > 1) {
        return cli_usage_error(spec.command, "'%s' is not needed: URLs are read from standard input", argv[1]);
    }
    url base;
    BUF_AUTO buf base_buf;
    buf_init(&base_buf, URL_BUF_MAX);
    int rc = base_text ? url_parse(&base_buf, str_of(base_text), NULL, &base) : 0;
    if (rc) {
        return cli_usage_error(spec.command, "--base '%s': %s; give an http or https URL", base_text,
                               url_error_text(rc));
    }
    struct lines in;
    if (lines_init(&in, STDIN_FILENO)) {
        return cli_error(spec.command, "out of memory");
    }
    unsigned flags = (drop_tracking ? URL_DROP_TRACKING : 0U) | (drop_session ? URL_DROP_SESSION : 0U);
    status = normalize_lines(spec.command, &in, base_text ? &base : NULL, flags);
    lines_release(&in);
    return status;
}

int cmd_url(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"normalize", "canonical form of each line of standard input", cmd_normalize},
        {NULL, NULL, NULL},
    };
    return cli_dispatch("url", "Tools for URLs.", table, argc, argv);
}
