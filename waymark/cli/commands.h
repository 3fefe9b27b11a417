/* commands.h: the commands that main.c lists, one file each. */
#ifndef WAYMARK_CLI_COMMANDS_H
#define WAYMARK_CLI_COMMANDS_H

#include "waymark/cli/cli.h"

int cmd_robots(int argc, char **argv);
int cmd_sitemap(int argc, char **argv);
int cmd_url(int argc, char **argv);

#endif
