/* random_models.h: sets of models drawn at random, for what must hold between any two of them.
 *
 * A set is plain numbers (a spec), so that the next one can be the same with a few changes, and descriptors made of it.
 * Every text that may become a number is '7', as is every number, so that one row can live through any change. */
#ifndef TEST_RANDOM_MODELS_H
#define TEST_RANDOM_MODELS_H

#include "strata/migrate.h"

enum { SPEC_TABLES = 5, SPEC_COLUMNS = 8, SPEC_PARTS = 3 };

struct spec_column {
    unsigned name; /* of the pool; 0: there is none */
    unsigned was;  /* its name before, or 0 */
    enum st_type type;
    bool null, has_default, limit, has_check, has_comment, generated, native, small, unique, identity;
    bool decimal;     /* a numeric of the database's own */
    unsigned foreign; /* which type with arguments stands for type; 0: none */
    unsigned values;  /* of an enum: which; of others: a number that conditions and defaults vary by */
};
struct spec_part {   /* a unique, index or check */
    unsigned column; /* position + 1; 0: there is none */
    unsigned second;
    unsigned method; /* of an index */
    unsigned how;    /* what it says of its columns, and holds beside them */
    bool down, where, expression, unique;
    enum st_deferral deferrable; /* of a unique and an exclusion */
};
struct spec_key { /* a foreign key */
    unsigned to;  /* name of a table, or 0 */
    enum st_action on_delete, on_update;
    enum st_deferral deferrable;
};
struct spec_table {
    unsigned name, was;
    bool tenant, wide_key, numbered, has_comment, has_trigger;
    unsigned trigger, policy;
    enum st_deferral deferrable; /* of the primary key, to which no key leads then */
    unsigned turn;               /* from where its columns are counted */
    bool keys_last;
    struct spec_column columns[SPEC_COLUMNS];
    struct spec_key parent, wide; /* by a key of one column, of two */
    struct spec_part uniques[SPEC_PARTS], indexes[SPEC_PARTS], checks[SPEC_PARTS];
};
struct spec {
    struct spec_table tables[SPEC_TABLES];
    unsigned native; /* which values the native enum type has */
};

void spec_draw(struct spec *s, uint64_t *seed);
/* A few changes; former names are noted in .was. */
void spec_change(struct spec *s, uint64_t *seed);
/* The descriptors, in a. Returns how many. */
size_t spec_models(arena *a, const struct spec *s, enum st_dialect d, const st_model *const **ret);
const struct spec_table *spec_table(const struct spec *s, unsigned name);
const char *spec_table_name(arena *a, unsigned name);
const char *spec_column_name(arena *a, const struct spec_column *c);
const char *spec_quoted(arena *a, const char *name); /* in double quotes */
bool spec_is_value(enum st_type t);                  /* one of those that a column may change among */
bool spec_is_number(const struct spec_column *c);
/* The table that a key of t leads to, or NULL: of the same tenancy, with a primary key of as many columns. */
const struct spec_table *spec_parent(const struct spec *s, const struct spec_table *t, bool wide);
/* Whether a row of x keeps the value of its column when it becomes y's. */
bool spec_keeps(const struct spec_column *x, const struct spec_column *y);
/* Statements that put one row into every table, and point it at its parents where next has the same key between the
 * same tables; the setting for row-level security is the caller's. */
const char *spec_rows(arena *a, const struct spec *s, const struct spec *next, enum st_dialect d);
unsigned spec_random(uint64_t *seed, unsigned below);

#endif
