/* ALTER TABLE, action by action, and CREATE TABLE. */
#include "strata/migrate/sql_words.h"

static void found(struct sql_words *w, enum migrate_lock lock, bool scans, bool rewrites, enum sql_hazard hazard)
{
    words_lock(w, lock);
    w->look->scans = w->look->scans || scans;
    w->look->rewrites = w->look->rewrites || rewrites;
    words_found(w, hazard);
}

static void name_after(struct sql_words *w, size_t at, size_t to, enum migrate_lock lock)
{
    if (at < to) {
        w->at = at;
        (void)words_take(w, "only", NULL);
        words_other(w, lock, words_name(w));
    }
}

static void add_constraint(struct sql_words *w, size_t from, size_t to)
{
    bool unchecked = words_have(w, from, to, "not", "valid");
    if (words_have(w, from, to, "foreign", "key")) {
        size_t refers = words_find(w, from, to, "references", NULL);
        found(w, SRX, !unchecked, false, unchecked ? SQL_SAFE : SQL_FOREIGN_KEY);
        name_after(w, refers < to ? refers + 1 : to, to, SRX);
    } else if (words_have(w, from, to, "exclude", NULL)) {
        found(w, AX, true, false, SQL_EXCLUDE);
    } else if (words_have(w, from, to, "using", "index")) { /* a key's columns are looked at for nulls */
        bool key = words_have(w, from, to, "primary", "key");
        found(w, AX, key, false, key ? SQL_SET_NOT_NULL : SQL_SAFE);
    } else if (words_have(w, from, to, "unique", NULL) || words_have(w, from, to, "primary", "key")) {
        found(w, AX, true, false, SQL_UNIQUE);
    } else {
        found(w, AX, !unchecked, false, unchecked ? SQL_SAFE : SQL_CHECK);
    }
}

static void alter_of_column(struct sql_words *w, size_t at, size_t to)
{
    at += words_is(w, at, "column");
    at += words_is(w, at, "if") ? 2 : 0;
    at++; /* its name */
    static const char *const light[] = {"statistics", "(", NULL};
    bool set = words_is(w, at, "set");
    if (words_is(w, at, "type") || (set && words_is(w, at + 1, "data"))) {
        found(w, AX, true, true, SQL_CHANGE_TYPE);
    } else if (set && words_is(w, at + 1, "not")) {
        found(w, AX, true, false, SQL_SET_NOT_NULL);
    } else if (words_is(w, at, "drop") && words_is(w, at + 1, "not")) {
        found(w, AX, false, false, SQL_DROP_NOT_NULL);
    } else if ((set && words_among(w, at + 1, light)) || (words_is(w, at, "reset") && at < to)) {
        found(w, SUX, false, false, SQL_SAFE);
    } else {
        found(w, AX, false, false, SQL_SAFE);
    }
}

static void set_of_table(struct sql_words *w, size_t from)
{
    static const char *const anew[] = {"tablespace", "logged", "unlogged", "access", NULL};
    if (words_among(w, from + 1, anew)) {
        found(w, AX, false, true, SQL_REWRITE);
    } else if (words_is(w, from + 1, "schema")) {
        found(w, AX, false, false, SQL_RENAME_TABLE);
    } else {
        bool light = words_is(w, from + 1, "(") || words_is(w, from + 2, "cluster");
        found(w, light ? SUX : AX, false, false, SQL_SAFE);
    }
}

static void drop(struct sql_words *w, size_t from)
{
    if (words_is(w, from + 1, "constraint")) {
        found(w, AX, false, false, SQL_SAFE);
    } else {
        found(w, AX, false, false, SQL_DROP_COLUMN);
    }
    w->look->referenced = true;
}

/* One action, between its commas. */
static void action(struct sql_words *w, size_t from, size_t to)
{
    static const char *const constraints[] = {"constraint", "check", "foreign", "unique", "primary", "exclude", NULL};
    if (words_is(w, from, "add") && words_among(w, from + 1, constraints)) {
        add_constraint(w, from, to);
    } else if (words_is(w, from, "add")) {
        size_t at = from + 1;
        at += words_is(w, at, "column");
        at += words_is(w, at, "if") ? 3 : 0;
        words_column(w, at < to ? at : to, to, true);
    } else if (words_is(w, from, "alter") && words_is(w, from + 1, "constraint")) {
        found(w, AX, false, false, SQL_SAFE);
        w->look->referenced = true;
    } else if (words_is(w, from, "alter")) {
        alter_of_column(w, from + 1, to);
    } else if (words_is(w, from, "validate")) {
        found(w, SUX, true, false, SQL_SAFE);
        w->look->referenced = true;
    } else if (words_is(w, from, "drop")) {
        drop(w, from);
    } else if (words_is(w, from, "rename")) {
        found(w, AX, false, false,
              words_is(w, from + 1, "to")           ? SQL_RENAME_TABLE
              : words_is(w, from + 1, "constraint") ? SQL_SAFE
                                                    : SQL_RENAME_COLUMN);
    } else if (words_is(w, from, "disable") && words_is(w, from + 1, "trigger")) {
        found(w, SRX, false, false, SQL_DISABLE_TRIGGER);
    } else if (words_is(w, from, "enable") && words_have(w, from, to, "trigger", NULL)) {
        found(w, SRX, false, false, SQL_SAFE);
    } else if (words_is(w, from, "attach")) {
        found(w, SUX, false, false, SQL_PARTITION);
        name_after(w, from + 2, to, AX);
    } else if (words_is(w, from, "detach")) {
        bool beside = words_have(w, from, to, "concurrently", NULL);
        found(w, beside ? SUX : AX, false, false, beside ? SQL_IN_TRANSACTION : SQL_PARTITION);
        name_after(w, from + 2, to, beside ? SUX : AX);
    } else if (words_is(w, from, "cluster") || (words_is(w, from, "reset") && words_is(w, from + 1, "("))) {
        found(w, SUX, false, false, SQL_SAFE);
    } else if (words_is(w, from, "set")) {
        set_of_table(w, from);
    } else if (words_is(w, from, "inherit")) {
        found(w, AX, false, false, SQL_SAFE);
        name_after(w, from + 1, to, SUX);
    } else {
        static const char *const known[] = {"enable", "disable", "force",   "no",  "owner",
                                            "of",     "not",     "replica", "all", NULL};
        found(w, AX, false, false, words_among(w, from, known) ? SQL_SAFE : SQL_UNKNOWN);
    }
}

void words_alter_table(struct sql_words *w)
{
    (void)words_take(w, "if", "exists");
    (void)words_take(w, "only", NULL);
    w->look->table = words_name(w);
    (void)words_take(w, "*", NULL);
    for (size_t from = w->at < w->n ? w->at : w->n;;) {
        size_t to = words_comma(w, from, w->n);
        action(w, from, to);
        if (to == w->n) {
            return;
        }
        from = to + 1;
    }
}

/* What stands between the brackets, part by part. */
static void parts(struct sql_words *w, size_t from, size_t to)
{
    static const char *const constraints[] = {"constraint", "check", "unique", "primary", "exclude", "like", NULL};
    while (from < to) {
        size_t end = words_comma(w, from, to);
        size_t refers = words_find(w, from, end, "references", NULL);
        if (words_among(w, from, constraints) || (words_is(w, from, "foreign") && words_is(w, from + 1, "key"))) {
            name_after(w, refers < end ? refers + 1 : end, end, SRX);
        } else {
            words_column(w, from, end, false);
        }
        from = end < to ? end + 1 : to;
    }
}

void words_create_table(struct sql_words *w)
{
    (void)words_take(w, "if", "not");
    (void)words_take(w, "exists", NULL);
    w->look->creates = words_name(w);
    if (words_take(w, "partition", "of")) {
        const char *whole = words_name(w);
        w->look->table = whole;
        found(w, AX, false, false, SQL_PARTITION);
    }
    size_t from = w->at < w->n ? w->at : w->n, open = words_find(w, from, w->n, "(", NULL);
    if (open == w->n || words_have(w, from, open, "as", NULL)) {
        return;
    }
    size_t behind = words_close(w, open, w->n);
    parts(w, open + 1, behind - 1 > open ? behind - 1 : open + 1);
    if (words_is(w, behind, "inherits") && behind + 2 < w->n) {
        size_t end = words_close(w, behind + 1, w->n);
        for (size_t at = behind + 2; at < end; at = words_comma(w, at, end) + 1) {
            name_after(w, at, end, SUX);
        }
    }
}
