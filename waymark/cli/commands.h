/* commands.h: the commands that main.c lists, one file each. */
#ifndef WAYMARK_CLI_COMMANDS_H
#define WAYMARK_CLI_COMMANDS_H

#include "waymark/cli/cli.h"

int cmd_scan(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_pages(int argc, char **argv);
int cmd_domains(int argc, char **argv);
int cmd_jobs(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_robots(int argc, char **argv);
int cmd_sitemap(int argc, char **argv);
int cmd_url(int argc, char **argv);

#endif
