/* command.h: what the files of the command line share.
 *
 * A command is a struct command_verb: its words, its options, and a function that prints what was asked for to out and
 * returns 0 or a code with a diagnosis, which command.c prints. A new one goes into the list there. */
#ifndef STRATA_MIGRATE_COMMAND_H
#define STRATA_MIGRATE_COMMAND_H

#include "strata/migrate/private.h"

struct command;
enum { COMMAND_ARGS_MAX = 8, COMMAND_OPTIONS_MAX = 16 };

struct command_option {
    const char *name;     /* "--sql" */
    const char *argument; /* "FILE", or NULL for a switch */
    const char *does;
};
struct command_verb {
    const char *name, *argument, *does;
    unsigned needs, takes; /* arguments: at least, at most */
    bool database;         /* must be there */
    st_err (*run)(struct command *k);
    const struct command_option *options; /* ended by one without a name; NULL: none */
    const char *more;                     /* the rest of its help */
};
struct command {
    st_engine *e; /* or NULL */
    const struct st_migrations *m;
    const struct command_verb *verb;
    const char *args[COMMAND_ARGS_MAX];
    unsigned n_args;
    struct {
        const char *name, *value;
    } options[COMMAND_OPTIONS_MAX];
    unsigned n_options;
    FILE *out, *err;
    arena *a;
    struct migrate_graph g;
    bool usage;   /* set by a command that fails for the words it was given */
    size_t moved; /* revisions applied or undone */
};

/* The value of an option, "" of a switch, NULL when it was not given. The last one counts. */
const char *command_option(const struct command *k, const char *name);
/* A whole number of milliseconds, or with s or m behind it of seconds or minutes; *ret is untouched when the option was
 * not given. ST_E_INVALID. */
st_err command_duration(const struct command *k, const char *name, int64_t *ret_ms);
/* --dialect, else that of the database. ST_E_INVALID. */
st_err command_dialect(const struct command *k, enum st_dialect *ret);

/* command_show.c: "id  message (head, label x)" and, with a state, when it was applied. */
void command_show_line(struct command *k, const struct migrate_node *node, const struct migrate_state *s);

/* command_unsafe.c. Says under a statement what the direct form gives up; statement: and the statement before that.
 * *made: tables that the plan has made so far, NULL to begin with. */
struct command_made {
    const char *table;
    struct command_made *before;
};
st_err command_given_up(struct command *k, FILE *out, const struct migrate_step *s, bool statement,
                        struct command_made **made);
/* Of a whole revision, on the error stream. */
st_err command_say_unsafe(struct command *k, const st_revision *rev, bool up);

extern const struct command_verb command_upgrade, command_downgrade; /* command_move.c */
extern const struct command_verb command_abandon;                    /* command_abandon.c */
extern const struct command_verb command_current, command_history, command_heads, command_branches,
    command_show;                                                 /* command_show.c */
extern const struct command_verb command_status, command_check;   /* command_status.c */
extern const struct command_verb command_plan;                    /* command_plan.c */
extern const struct command_verb command_lint;                    /* command_lint.c */
extern const struct command_verb command_revision, command_merge; /* command_revision.c */
extern const struct command_verb command_stamp, command_inspect;  /* command_stamp.c, command_inspect.c */

#endif
