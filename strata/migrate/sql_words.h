/* sql_words.h: one PostgreSQL statement as an array of its tokens, for the files of sql_look.
 *
 * Positions behind the last token are valid and match nothing. Everything belongs to the arena. */
#ifndef STRATA_MIGRATE_SQL_WORDS_H
#define STRATA_MIGRATE_SQL_WORDS_H

#include "strata/migrate/sql_look.h"
#include "strata/migrate/sql_text.h"

struct sql_words {
    arena *a;
    struct sql_token *v;
    size_t n, at;
    struct sql_look *look;
    bool nomem;
};
static const enum migrate_lock SUX = MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE, SRX = MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE,
                               AX = MIGRATE_LOCK_ACCESS_EXCLUSIVE;

/* -ENOMEM or 0. A body in dollars is one string. */
st_err words_of(arena *a, str statement, struct sql_words *ret);
struct sql_token words_next(struct sql_reader *r);

bool words_is(const struct sql_words *w, size_t at, const char *what);
/* Whether it is one of the list, which NULL ends. */
bool words_among(const struct sql_words *w, size_t at, const char *const *list);
/* The same of a long list, "max min sum", with one blank between. */
bool words_listed(const struct sql_words *w, size_t at, const char *list);
/* Takes the words, "IF EXISTS", when they come next; second may be NULL. */
bool words_take(struct sql_words *w, const char *first, const char *second);
/* The first place in [from, to), outside of the brackets that open in it, where the word (and the second behind it) is;
 * else to. */
size_t words_find(const struct sql_words *w, size_t from, size_t to, const char *first, const char *second);
bool words_have(const struct sql_words *w, size_t from, size_t to, const char *first, const char *second);
/* Behind the bracket that closes the one at from, or to. */
size_t words_close(const struct sql_words *w, size_t from, size_t to);
/* The next comma outside of brackets, or to. */
size_t words_comma(const struct sql_words *w, size_t from, size_t to);
/* The name that comes next, folded as PostgreSQL does; "schema.name" stays so. "?" when there is none. */
const char *words_name(struct sql_words *w);

void words_found(struct sql_words *w, enum sql_hazard hazard);
void words_lock(struct sql_words *w, enum migrate_lock lock);
/* Another table than the statement's own. */
void words_other(struct sql_words *w, enum migrate_lock lock, const char *table);

/* ---- sql_column.c ---- */
/* A type, from its first word. */
void words_type(struct sql_words *w, size_t from, size_t to);
/* "name type constraints": one that is added to a table with rows, or that is there from the beginning. */
void words_column(struct sql_words *w, size_t from, size_t to, bool added);
/* Whether nothing in the expression is called that may differ from row to row. */
bool words_constant(const struct sql_words *w, size_t from, size_t to);
/* ---- sql_table.c ---- */
void words_alter_table(struct sql_words *w);
void words_create_table(struct sql_words *w);
/* ---- sql_rows.c ---- */
/* INSERT, UPDATE, DELETE or MERGE, up to to; false when what comes next is none. */
bool words_write(struct sql_words *w, size_t to);
void words_read(struct sql_words *w); /* what the statement calls */
void words_with(struct sql_words *w); /* behind WITH */

#endif
