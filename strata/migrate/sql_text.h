/* sql_text.h: SQL as tokens, as far as it takes to tell whether two spellings say the same.
 *
 * No parser: it knows words, quoted names, strings, numbers, comments and the rest a character or so at a time. Every
 * text ends, whatever is in it: what is not closed goes to its end. Linear, no memory beside the results. */
#ifndef STRATA_MIGRATE_SQL_TEXT_H
#define STRATA_MIGRATE_SQL_TEXT_H

#include "base/arena.h"
#include "base/str.h"

enum sql_kind {
    SQL_END,
    SQL_WORD,   /* without quotes */
    SQL_NAME,   /* "x", `x`, [x] where no array can be; text holds the quotes */
    SQL_STRING, /* 'x' or E'x'; text holds the quotes */
    SQL_NUMBER,
    SQL_OTHER /* one or two characters */
};
struct sql_token {
    enum sql_kind kind;
    str text; /* within what is read */
};
struct sql_reader {
    str rest;
    bool brackets;   /* SQLite: [x] is a name */
    bool postgresql; /* comments hold comments, and ` is no quote */
};
struct sql_token sql_next(struct sql_reader *r);
static inline bool sql_is(struct sql_token t, const char *what) /* a word of any case, or a sign */
{
    return (t.kind == SQL_WORD || t.kind == SQL_OTHER) && str_eq_nocase(t.text, str_of(what));
}

/* The former and the new name of a column. */
struct sql_rename {
    const char *from, *to;
};
/* One form for all ways of spacing, quoting and bracketing an expression as a whole; names that were renamed have their
 * new name in it. NULL when memory is out. */
const char *sql_canon(arena *a, const char *sql, const struct sql_rename *renames, size_t n);
/* The expression without the brackets that stand around all of it. */
str sql_unwrap(str sql);
/* Whether the expression names the column. */
bool sql_mentions(const char *sql, const char *column);
/* Whether the token is the name, quoted or not. */
bool sql_is_name(struct sql_token t, const char *name);
/* The name without its quotes, or the string without its; in arena a. */
const char *sql_unquote(arena *a, struct sql_token t);

/* Tokens without brackets and casts, numbers in strings as numbers: what PostgreSQL adds when it prints a condition.
 * Stops at max tokens and then returns max + 1. */
size_t sql_loose(const char *sql, struct sql_token *ret, size_t max);

#endif
