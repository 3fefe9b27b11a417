#include "waymark/cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/str.h"

static void print_prefix(const char *command)
{
    assert(command);
    (void)fprintf(stderr, *command ? "waymark %s: " : "waymark%s: ", command);
}

int cli_usage_error(const char *command, const char *fmt, ...)
{
    va_list ap;
    print_prefix(command);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "\nTry 'waymark %s%s--help'.\n", command, *command ? " " : "");
    return CLI_USAGE;
}

int cli_error(const char *command, const char *fmt, ...)
{
    va_list ap;
    print_prefix(command);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return CLI_FAILED;
}

int cli_diag(const char *command)
{
    const struct diag *d = diag_last();
    (void)cli_error(command, "%s", d->message);
    if (d->hint[0]) {
        (void)fprintf(stderr, "Hint: %s\n", d->hint);
    }
    return CLI_FAILED;
}

int cli_finish(const char *command)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_error(command, "standard output: %s", strerror(errno));
    }
    return CLI_OK;
}

enum { WORD_MAX = 40 };

/* Levenshtein distance without regard to case; WORD_MAX for words longer than that. */
static unsigned distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    unsigned row[WORD_MAX + 1];
    if (na > WORD_MAX || nb > WORD_MAX) {
        return WORD_MAX;
    }
    for (unsigned j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned change = diagonal + (ascii_lower(a[i - 1]) != ascii_lower(b[j - 1]));
            unsigned one = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < one ? change : one;
        }
    }
    return row[nb];
}

void cli_nearest_offer(struct cli_nearest *n, const char *candidate)
{
    unsigned d = distance(n->word, candidate);
    /* A third of the letters wrong is no longer a slip. */
    if (d <= 1 + strlen(candidate) / 4 && (!n->best || d < n->distance)) {
        n->best = candidate;
        n->distance = d;
    }
}

static int list(const char *group, const char *about, const struct cli_command *table)
{
    printf("Usage: waymark %s%sCOMMAND [OPTION…] [ARGUMENT…]\n\n%s\n\nCommands:\n", group, *group ? " " : "", about);
    for (; table->name; table++) {
        printf("  %-12s %s\n", table->name, table->help);
    }
    printf("\n'waymark %s%sCOMMAND --help' explains one of them.\n", group, *group ? " " : "");
    return cli_finish(group);
}

int cli_dispatch(const char *group, const char *about, const struct cli_command *table, int argc, char **argv)
{
    assert(argc >= 1);
    if (argc < 2) {
        return cli_usage_error(group, "no command given");
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        return list(group, about, table);
    }
    struct cli_nearest near = {.word = word};
    for (const struct cli_command *c = table; c->name; c++) {
        if (strcmp(word, c->name) == 0) {
            return c->run(argc - 1, argv + 1);
        }
        cli_nearest_offer(&near, c->name);
    }
    return near.best ? cli_usage_error(group, "unknown command '%s'; did you mean '%s'?", word, near.best)
                     : cli_usage_error(group, "unknown command '%s'", word);
}
