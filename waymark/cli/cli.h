/* cli.h: what the commands share.
 *
 * A command is `int cmd_x(int argc, char **argv)` in a file of its own; argv[0] is its name and the result is the
 * program's exit status. Results go to standard output, everything else to standard error. */
#ifndef WAYMARK_CLI_CLI_H
#define WAYMARK_CLI_CLI_H

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_command {
    const char *name; /* NULL ends a table */
    const char *help; /* one line */
    int (*run)(int argc, char **argv);
};

/* Runs the command that argv[1] names, with its own argv; group is the name of the command that has these
 * subcommands ("robots"), "" for the program. "--help", "-h" and "help" list the table. */
int cli_dispatch(const char *group, const char *about, const struct cli_command *table, int argc, char **argv);

/* Prints "waymark COMMAND: message" and where to read on; returns CLI_USAGE. The message names what was given and
 * how to mend it. */
int cli_usage_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for what failed while running; returns CLI_FAILED. */
int cli_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with the last diagnosis (base/diag.h) and its hint. */
int cli_diag(const char *command);
/* Flushes standard output; CLI_OK, or CLI_FAILED with a message when anything written to it was lost. */
int cli_finish(const char *command);

/* The candidate nearest to a mistyped word, by edit distance. */
struct cli_nearest {
    const char *word;
    const char *best; /* NULL: none is near */
    unsigned distance;
};
void cli_nearest_offer(struct cli_nearest *n, const char *candidate);

#endif
