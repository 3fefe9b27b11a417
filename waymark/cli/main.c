/* The program: one table of commands. */
#include <stdio.h>
#include <string.h>

#include "waymark/cli/commands.h"

static const char about[] = "Waymark finds everything a website publishes: sitemaps, pages and what they say.";

static const struct cli_command commands[] = {
    {"robots", "what a robots.txt allows", cmd_robots},
    {"sitemap", "what a sitemap file lists and what is wrong with it", cmd_sitemap},
    {"url", "canonical form of URLs", cmd_url},
    {NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("waymark %s\n", WAYMARK_VERSION);
        return cli_finish("");
    }
    return argc < 1 ? CLI_USAGE : cli_dispatch("", about, commands, argc, argv);
}
