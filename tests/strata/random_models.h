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
    bool null, has_default, limit, has_check, has_comment, generated, varchar, native, small;
    unsigned values; /* of an enum: how many */
};
struct spec_part {   /* a unique, index or check */
    unsigned column; /* position + 1; 0: there is none */
    unsigned second;
    bool down, where, expression, unique;
};
struct spec_table {
    unsigned name, was;
    bool tenant, wide_key, has_comment, has_policy, has_trigger;
    unsigned trigger;
    struct spec_column columns[SPEC_COLUMNS];
    unsigned parent; /* name of a table, or 0 */
    enum st_action on_delete;
    struct spec_part uniques[SPEC_PARTS], indexes[SPEC_PARTS], checks[SPEC_PARTS];
};
struct spec {
    struct spec_table tables[SPEC_TABLES];
    unsigned native_values; /* of the native enum type */
    bool native_turned;     /* in another order */
};

void spec_draw(struct spec *s, uint64_t *seed);
/* A few changes; former names are noted in .was. */
void spec_change(struct spec *s, uint64_t *seed);
/* The descriptors, in a. Returns how many. */
size_t spec_models(arena *a, const struct spec *s, enum st_dialect d, const st_model *const **ret);
const struct spec_table *spec_table(const struct spec *s, unsigned name);
const char *spec_table_name(arena *a, unsigned name);
const char *spec_column_name(arena *a, const struct spec_column *c);
bool spec_is_value(enum st_type t); /* one of those that a column may change among */
/* Whether a row of x keeps the value of its column when it becomes y's. */
bool spec_keeps(const struct spec_column *x, const struct spec_column *y);
/* Statements that put one row into every table; the setting for row-level security is the caller's. */
const char *spec_rows(arena *a, const struct spec *s, enum st_dialect d);
unsigned spec_random(uint64_t *seed, unsigned below);

#endif
