/* sqlite_reader.h: a place in the text of a table; private to sqlite_table.c and sqlite_constraint.c. */
#ifndef STRATA_MIGRATE_SQLITE_READER_H
#define STRATA_MIGRATE_SQLITE_READER_H

#include "strata/migrate/sqlite_table.h"

#include <assert.h>

struct lite_reader {
    arena *a;
    str text;
    size_t at;           /* behind t */
    struct lite_token t; /* the next one */
    size_t end;          /* of the token before it */
    bool out_of_memory;
};

static inline void advance(struct lite_reader *r)
{
    if (r->t.kind != LITE_END) {
        r->end = (size_t)(r->t.text.p - r->text.p) + r->t.text.len;
        r->t = lite_next(r->text, &r->at);
    }
}

static inline size_t start(const struct lite_reader *r)
{
    return (size_t)(r->t.text.p - r->text.p);
}

static inline str since(const struct lite_reader *r, size_t from)
{
    assert(r->end >= from);
    return str_n(r->text.p + from, r->end - from);
}

static inline bool at_word(const struct lite_reader *r, const char *word)
{
    return lite_is(r->t, word);
}

static inline bool eat(struct lite_reader *r, const char *word)
{
    bool is = at_word(r, word);
    if (is) {
        advance(r);
    }
    return is;
}

static inline bool at_end(const struct lite_reader *r)
{
    return r->t.kind == LITE_END || r->t.kind == LITE_BAD;
}

static inline const char *eat_name(struct lite_reader *r)
{
    if (r->t.kind != LITE_WORD && r->t.kind != LITE_QUOTED && r->t.kind != LITE_STRING) {
        return NULL;
    }
    const char *name = lite_name(r->a, r->t.text);
    r->out_of_memory = r->out_of_memory || !name;
    advance(r);
    return name;
}

bool lite_brackets(struct lite_reader *r, str *ret); /* from an opening bracket to behind the one that closes it */
bool lite_begins_constraint(const struct lite_reader *r, bool of_table);
/* All constraints up to the comma or bracket that ends the part. column: NULL: of the table. */
bool lite_constraints(struct lite_reader *r, const char *column, struct lite_constraint **ret, size_t *ret_n,
                      size_t *room);

#endif
