/* sqlite_table.h: the text of a CREATE TABLE, as SQLite keeps it in sqlite_schema, taken apart.
 *
 * Everything points into the text or into the arena: a part is a run of the text, so that what is not understood is not
 * lost, and a table is changed by editing its text. Comments, quotes and the spelling of expressions stay as they were
 * written. Reading never recurses and is linear in the length of the text. */
#ifndef STRATA_MIGRATE_SQLITE_TABLE_H
#define STRATA_MIGRATE_SQLITE_TABLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "strata/types.h"

enum lite_token_kind {
    LITE_END,     /* the text is over */
    LITE_WORD,    /* a bare word: a name or a keyword */
    LITE_QUOTED,  /* a name in "", [] or `` */
    LITE_STRING,  /* '...' */
    LITE_LITERAL, /* a number, a blob, a parameter */
    LITE_SIGN,    /* one character of punctuation, or an operator of several */
    LITE_BAD      /* an open quote, or a byte that starts no token */
};
struct lite_token {
    enum lite_token_kind kind;
    str text;
};
/* The first token at or behind *at, which moves behind it; white space and comments are skipped. */
struct lite_token lite_next(str text, size_t *at);
bool lite_is(struct lite_token t, const char *word); /* a bare word, in any case, or a sign */
/* A name without its quotes, in arena a; NULL when memory is out. */
const char *lite_name(arena *a, str text);
bool lite_same_name(const char *x, const char *y); /* as SQLite compares them: ASCII in any case */
/* Whether one of the tokens is that name: what an expression, an index or a view may be about. A string in double
 * quotes counts. */
bool lite_mentions(str text, const char *name);

enum lite_kind {
    LITE_PRIMARY_KEY = 1,
    LITE_NOT_NULL,
    LITE_NULL, /* says nothing */
    LITE_UNIQUE,
    LITE_CHECK,
    LITE_DEFAULT,
    LITE_COLLATE,
    LITE_FOREIGN_KEY,
    LITE_GENERATED,
    LITE_NOTHING /* CONSTRAINT and a name, and nothing behind them */
};
struct lite_constraint {
    enum lite_kind kind;
    str text;             /* from CONSTRAINT or the keyword to the end */
    str expr;             /* CHECK, GENERATED: between the brackets; DEFAULT: with them; COLLATE: the name */
    const char *name;     /* as given, unquoted, or NULL */
    const char *known_as; /* PRIMARY KEY, UNIQUE, CHECK, FOREIGN KEY: the name, or the one it would have been given:
                             <table>_pkey, <table>_<columns>_key, _fkey, <table>_<column>_check, <table>_check, with
                             a number behind it when that is taken; no two are the same */
    const char *const *columns;    /* PRIMARY KEY, UNIQUE, FOREIGN KEY: "-name" is descending; of a column: that one */
    const char *const *collations; /* UNIQUE of the table: one for each column, NULL: the column's own */
    size_t n_columns;
    const char *table; /* FOREIGN KEY: what it points at */
    const char *const *to;
    size_t n_to;        /* 0: the primary key */
    bool autoincrement; /* PRIMARY KEY */
    bool stored;        /* GENERATED */
    str deferral; /* FOREIGN KEY: [NOT] DEFERRABLE ..., or empty; LITE_NOTHING: the same, of the last FOREIGN KEY */
};
struct lite_column {
    str text; /* from its name to its last token */
    const char *name;
    str type; /* as written; empty: none */
    struct lite_constraint *constraints;
    size_t n_constraints;
};
struct lite_table {
    str text;
    const char *name;
    str name_text;
    struct lite_column *columns;
    size_t n_columns;
    struct lite_constraint *constraints; /* those behind the columns */
    size_t n_constraints;
    str options; /* behind the last bracket */
    bool without_rowid, strict;
};
/* Reads text, which must live as long as the result. ST_E_INVALID: it is no CREATE TABLE that can be read so; the
 * diagnosis says at which byte. */
st_err lite_table_read(arena *a, str text, struct lite_table *ret);
/* Fills in known_as; a part of reading. */
st_err lite_name_constraints(arena *a, struct lite_table *t);
const struct lite_column *lite_column(const struct lite_table *t, const char *name); /* or NULL */

#endif
