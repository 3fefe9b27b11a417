/* library.h: the models that the tests of Strata share: every type, keys of one and two columns, a table without a
 * tenant, references, a column that is an SQL word and one named unlike its member. */
#ifndef TEST_STRATA_LIBRARY_H
#define TEST_STRATA_LIBRARY_H

#include "strata/strata.h"

typedef struct Country {
    const char *code; /* the key; no tenant */
    const char *name;
    int64_t population;
} Country;
ST_DECLARE(Country);

typedef struct Author {
    st_uuid tenant_id, id;
    const char *name;
    const char *email;
    const char *country;
    st_opt_int32 born;
    const char *password;
    st_time created_at, updated_at;
    int32_t version;
    st_list books;
} Author;
ST_DECLARE(Author);

enum book_kind { KIND_NOVEL, KIND_POEMS, KIND_OTHER };
enum book_mood { MOOD_SAD, MOOD_GAY };
typedef struct Book {
    st_uuid tenant_id, id;
    st_uuid author_id;
    st_opt_uuid sequel_to;
    const char *title;
    int32_t order; /* an SQL word */
    enum book_kind kind;
    st_opt_enum mood;
    bool in_print;
    int16_t shelf;
    int64_t sold;
    double price;
    st_opt_bool signed_copy;
    st_opt_int16 floor;
    st_opt_int64 weight;
    st_opt_double rating;
    st_opt_time published;
    st_texts tags;
    st_uuids related;
    st_bytes cover;
    st_json book_metadata; /* column "metadata" */
    int64_t version;
    st_ref author;
} Book;
ST_DECLARE(Book);

/* A row of every table but Country hangs on nothing else: no timestamps, no version. */
typedef struct Note {
    st_uuid tenant_id, id;
    const char *body;
} Note;
ST_DECLARE(Note);

extern const st_model *const library_models[5]; /* parents first, NULL-terminated */

#endif
