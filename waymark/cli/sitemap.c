/* waymark sitemap: one sitemap at hand. */
#include "waymark/cli/sitemap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "waymark/cli/commands.h"
#include "waymark/cli/opt.h"

static int cmd_parse(int argc, char **argv)
{
    const char *base_text = NULL;
    const struct opt opts[] = {
        OPT_TEXT("base", "URL", &base_text, "resolve relative locations against URL"),
    };
    const struct opt_spec spec = {
        "sitemap parse", "[--base URL] FILE",
        "Reads a sitemap (urlset, sitemapindex, a list of URLs, RSS or Atom, gzipped or not; - is standard\n"
        "input) and writes one JSON object a line for each entry, with its location in canonical form, and a\n"
        "last one with the type of the file, how much it holds and what is wrong with it. The exit status is\n"
        "1 when the file is no sitemap.",
        opts, sizeof opts / sizeof *opts};
    int status;
    if (!opt_parse(&spec, &argc, argv, &status)) {
        return status;
    }
    if (argc != 2) {
        return cli_usage_error(spec.command,
                               argc < 2 ? "name the file to read; - is standard input" : "only one file at a time");
    }
    url base;
    BUF_AUTO buf base_buf;
    buf_init(&base_buf, URL_BUF_MAX);
    int rc = base_text ? url_parse(&base_buf, str_of(base_text), NULL, &base) : 0;
    if (rc) {
        return cli_usage_error(spec.command, "--base '%s': %s; give an http or https URL", base_text,
                               url_error_text(rc));
    }
    bool is_stdin = strcmp(argv[1], "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cli_error(spec.command, "%s: %s", argv[1], strerror(errno));
    }
    struct sitemap_result result;
    rc = sitemap_print(fd, STDOUT_FILENO, base_text ? &base : NULL, &result);
    if (!is_stdin) {
        (void)close(fd);
    }
    if (rc < 0) {
        (void)diag_wrap(rc, "%s", is_stdin ? "standard input" : argv[1]);
        return cli_diag(spec.command);
    }
    return result.reason ? cli_error(spec.command, "%s: no sitemap: %s", argv[1], result.reason) : CLI_OK;
}

int cmd_sitemap(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"parse", "entries of a sitemap as JSON lines", cmd_parse},
        {NULL, NULL, NULL},
    };
    return cli_dispatch("sitemap", "Tools for sitemaps.", table, argc, argv);
}
