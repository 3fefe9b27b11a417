/* opt.h: the options of a command, read by a table.
 *
 *     const char *base = NULL;
 *     bool quiet = false;
 *     const struct opt opts[] = {
 *         OPT_TEXT("base", "URL", &base, "resolve relative references against URL"),
 *         OPT_FLAG("quiet", &quiet, "print nothing"),
 *     };
 *     const struct opt_spec spec = {"url normalize", "[--base URL]", "What it does.", opts, sizeof opts / sizeof
 * *opts}; int status; if (!opt_parse(&spec, &argc, argv, &status)) { return status;
 *     }
 *     // operands are argv[1] to argv[argc - 1]
 *
 * "--name value" and "--name=value" mean the same; options and operands may mix; "--" ends the options; "-" alone is
 * an operand. --help and -h are there for every command. Values point into argv. */
#ifndef WAYMARK_CLI_OPT_H
#define WAYMARK_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind { OPT_KIND_FLAG, OPT_KIND_TEXT, OPT_KIND_UINT, OPT_KIND_CHOICE, OPT_KIND_LIST };

/* An option that may be given several times. */
enum { OPT_LIST_MAX = 64 };
struct opt_list {
    const char *v[OPT_LIST_MAX];
    size_t n;
};

struct opt {
    enum opt_kind kind;
    const char *name;  /* without the dashes */
    const char *value; /* what help calls the value; NULL for a flag */
    const char *help;
    void *to;
    uint64_t min, max;          /* of a UINT */
    const char *const *choices; /* of a CHOICE; NULL-terminated, and *to becomes the index */
};
#define OPT_FLAG(name_, to_, help_)                                                            \
    {                                                                                          \
        .kind = OPT_KIND_FLAG, .name = (name_), .to = (1 ? (to_) : (bool *)0), .help = (help_) \
    }
#define OPT_TEXT(name_, value_, to_, help_)                                                              \
    {                                                                                                    \
        .kind = OPT_KIND_TEXT, .name = (name_), .value = (value_), .to = (1 ? (to_) : (const char **)0), \
        .help = (help_)                                                                                  \
    }
#define OPT_UINT(name_, value_, to_, min_, max_, help_)                                                              \
    {                                                                                                                \
        .kind = OPT_KIND_UINT, .name = (name_), .value = (value_), .to = (1 ? (to_) : (uint64_t *)0), .min = (min_), \
        .max = (max_), .help = (help_)                                                                               \
    }
#define OPT_CHOICE(name_, value_, to_, choices_, help_)                                                 \
    {                                                                                                   \
        .kind = OPT_KIND_CHOICE, .name = (name_), .value = (value_), .to = (1 ? (to_) : (unsigned *)0), \
        .choices = (choices_), .help = (help_)                                                          \
    }
#define OPT_LIST(name_, value_, to_, help_)                                                                  \
    {                                                                                                        \
        .kind = OPT_KIND_LIST, .name = (name_), .value = (value_), .to = (1 ? (to_) : (struct opt_list *)0), \
        .help = (help_)                                                                                      \
    }

struct opt_spec {
    const char *command; /* "url normalize" */
    const char *usage;   /* what follows it: "[--base URL]" */
    const char *about;   /* sentences for --help; lines of at most 100 columns */
    const struct opt *opts;
    size_t n;
};

/* True: the options are set, *argc and argv hold the command's name and the operands. False: the caller returns
 * *ret_status (help was asked for and printed, or a usage error was). */
bool opt_parse(const struct opt_spec *spec, int *argc, char **argv, int *ret_status);

#endif
