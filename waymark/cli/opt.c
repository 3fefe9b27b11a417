#include "waymark/cli/opt.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "waymark/cli/cli.h"

static int print_help(const struct opt_spec *spec)
{
    printf("Usage: waymark %s %s\n\n%s\n\nOptions:\n", spec->command, spec->usage, spec->about);
    for (size_t i = 0; i < spec->n; i++) {
        const struct opt *o = &spec->opts[i];
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        printf("  %-26s %s\n", left, o->help);
        for (const char *const *c = o->choices; c && *c; c++) {
            printf("%s%s", c == o->choices ? "                             one of: " : ", ", *c);
            if (!c[1]) {
                printf("\n");
            }
        }
    }
    printf("  %-26s %s\n", "--help", "show this");
    return cli_finish(spec->command);
}

static int unknown(const struct opt_spec *spec, const char *arg, size_t name_len)
{
    char word[48];
    (void)snprintf(word, sizeof word, "%.*s", name_len > 47 ? 47 : (int)name_len, arg + strspn(arg, "-"));
    struct cli_nearest near = {.word = word};
    for (size_t i = 0; i < spec->n; i++) {
        cli_nearest_offer(&near, spec->opts[i].name);
    }
    cli_nearest_offer(&near, "help");
    return near.best ? cli_usage_error(spec->command, "unknown option '%s'; did you mean '--%s'?", arg, near.best)
                     : cli_usage_error(spec->command, "unknown option '%s'", arg);
}

static int choose(const struct opt_spec *spec, const struct opt *o, const char *value)
{
    struct cli_nearest near = {.word = value};
    for (unsigned i = 0; o->choices[i]; i++) {
        if (strcmp(value, o->choices[i]) == 0) {
            *(unsigned *)o->to = i;
            return 0;
        }
        cli_nearest_offer(&near, o->choices[i]);
    }
    return cli_usage_error(spec->command, "--%s cannot be '%s'%s%s%s", o->name, value,
                           near.best ? "; did you mean '" : "", near.best ? near.best : "", near.best ? "'?" : "");
}

/* Returns 0 or an exit status. */
static int assign(const struct opt_spec *spec, const struct opt *o, const char *value)
{
    assert(o->to);
    switch (o->kind) {
    case OPT_KIND_FLAG:
        *(bool *)o->to = true;
        return 0;
    case OPT_KIND_TEXT:
        *(const char **)o->to = value;
        return 0;
    case OPT_KIND_UINT: {
        uint64_t v;
        if (!str_to_u64(str_of(value), o->max, &v) || v < o->min) {
            return cli_usage_error(spec->command, "--%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'",
                                   o->name, o->min, o->max, value);
        }
        *(uint64_t *)o->to = v;
        return 0;
    }
    case OPT_KIND_CHOICE:
        return choose(spec, o, value);
    case OPT_KIND_LIST: {
        struct opt_list *list = o->to;
        if (list->n == OPT_LIST_MAX) {
            return cli_usage_error(spec->command, "--%s was given more than %d times", o->name, OPT_LIST_MAX);
        }
        list->v[list->n++] = value;
        return 0;
    }
    }
    __builtin_unreachable();
}

static const struct opt *find(const struct opt_spec *spec, const char *name, size_t len)
{
    for (size_t i = 0; i < spec->n; i++) {
        if (str_eq(str_n(name, len), str_of(spec->opts[i].name))) {
            return &spec->opts[i];
        }
    }
    return NULL;
}

/* Reads the option at argv[*i] and moves *i to its last word. Returns 0 or an exit status. */
static int read_option(const struct opt_spec *spec, int argc, char **argv, int *i)
{
    const char *arg = argv[*i], *eq = strchr(arg, '=');
    size_t dashes = strspn(arg, "-"), name_len = eq ? (size_t)(eq - arg) - dashes : strlen(arg) - dashes;
    const struct opt *o = dashes == 2 ? find(spec, arg + 2, name_len) : NULL;
    if (!o) {
        return unknown(spec, arg, name_len);
    }
    if (o->kind == OPT_KIND_FLAG && eq) {
        return cli_usage_error(spec->command, "--%s takes no value", o->name);
    }
    const char *value = eq ? eq + 1 : NULL;
    if (o->kind != OPT_KIND_FLAG && !value) {
        if (*i + 1 >= argc) {
            return cli_usage_error(spec->command, "--%s needs a value: --%s %s", o->name, o->name, o->value);
        }
        value = argv[++*i];
    }
    return assign(spec, o, value);
}

bool opt_parse(const struct opt_spec *spec, int *argc, char **argv, int *ret_status)
{
    int kept = 1;
    bool ended = false;
    assert(*argc >= 1);
    for (int i = 1; i < *argc; i++) {
        char *arg = argv[i];
        if (ended || arg[0] != '-' || arg[1] == '\0') {
            argv[kept++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            ended = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            *ret_status = print_help(spec);
            return false;
        } else {
            int status = read_option(spec, *argc, argv, &i);
            if (status) {
                *ret_status = status;
                return false;
            }
        }
    }
    assert(kept <= *argc);
    *argc = kept;
    argv[kept] = NULL;
    return true;
}
