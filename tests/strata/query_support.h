/* query_support.h: results for the tests of queries, and a library with rows in it. */
#ifndef QUERY_SUPPORT_H
#define QUERY_SUPPORT_H

#include "session_support.h"

typedef struct Sales {
    const char *author;
    int64_t books;
    st_opt_int64 sold;
    st_opt_double price;
} Sales;
ST_DECLARE(Sales);
typedef struct Kinds {
    enum book_kind kind;
    int64_t titles;
    const char *last;
} Kinds;
ST_DECLARE(Kinds);
typedef struct Pair {
    const char *first, *second;
} Pair;
ST_DECLARE(Pair);
typedef struct Ranked {
    const char *title;
    int64_t place, number, total;
} Ranked;
ST_DECLARE(Ranked);
typedef struct PerAuthor {
    st_uuid author_id;
    int64_t sold;
} PerAuthor;
ST_DECLARE(PerAuthor);
typedef struct Chain {
    st_uuid id;
    const char *title;
    int64_t depth;
} Chain;
ST_DECLARE(Chain);
typedef struct Lang {
    const char *lang; /* may be NULL */
    int64_t n;
} Lang;
ST_DECLARE(Lang);
ST_ALIAS(Sequel, Book);

/* Anna wrote First (sold 10), its sequel Second (20) and its sequel Third (30), novels of order 1 to 3 for 1, 2 and 3;
 * Otto Poems (5), for 4; Zoe nothing. */
void library_fill(struct world *w, st_uuid tenant);

#endif
