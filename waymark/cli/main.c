/* The program: one table of commands. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "waymark/cli/commands.h"

static const char about[] = "Waymark finds everything a website publishes: sitemaps, pages and what they say.";

static const struct cli_command commands[] = {
    {"scan", "find every page of sites and keep them", cmd_scan},
    {"map", "print every page of a site, keep nothing", cmd_map},
    {"domains", "the sites scanned", cmd_domains},
    {"pages", "the pages found", cmd_pages},
    {"jobs", "the scans made, and how they ended", cmd_jobs},
    {"demo", "a first scan, of a small built-in site", cmd_demo},
    {"doctor", "whether this machine and the database are fit", cmd_doctor},
    {"migrate", "the database's schema: upgrade, downgrade, current, history", cmd_migrate},
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
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of that write */
    return argc < 1 ? CLI_USAGE : cli_dispatch("", about, commands, argc, argv);
}
