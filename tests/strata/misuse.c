/* Each MISUSE is one mistake that must not compile, with no warning flag's help; MISUSE 0 is the sound code beside it.
 * misuse.sh compiles them all. */
#include "library.h"
#include "strata/define.h"

typedef struct Odd {
    st_uuid id;
    float f;
    const char *name;
} Odd;

#define T Odd
ST_MODEL(Odd, "odd", COL(id, .pk = true), COL(name)
#if MISUSE == 1
                                              ,
         COL(nmae)
#elif MISUSE == 2
                                              ,
         COL(f)
#elif MISUSE == 3
                                              ,
         COL(name, .uniqe = true)
#elif MISUSE == 4
                                              ,
         MANY(name, Book, author_id)
#elif MISUSE == 5
                                              ,
         REF(name, Nothing)
#endif
);
#undef T

typedef struct Got {
    int64_t n;
    const char *name;
} Got;

#define T Got
ST_RESULT(Got, COL(n), COL(name)
#if MISUSE == 24
                           ,
          COL(nmae)
#endif
);
#undef T

st_err use(st_session *s, const Author *loaded, st_uuid id, const st_uuid *ids);

st_err use(st_session *s, const Author *loaded, st_uuid id, const st_uuid *ids)
{
    static const char *const names[] = {"a", "b"};
    const st_expr *e = ST_AND(ST_EQ(Author, name, "x"), ST_EQ(Author, id, id), ST_EQ(Author, born, 3),
                              ST_IN(Author, id, ids, 2), ST_IN(Author, name, names, 2), ST_LIKE(Author, name, "x%"),
                              ST_EQ(Book, kind, KIND_NOVEL), ST_EQ(Book, price, 3), ST_EQ(Book, in_print, true));
    st_each (Author, a, st_select(s, Author, e, .order = ST_ORDER(ST_ASC(Author, name)), .limit = 3)) {
        st_edit(s, a)->name = "x";
    }
    (void)st_add(s, Author, .name = "x");
    (void)st_select(s, Author, e, .with = ST_SELECTIN(Author, books, .then = ST_SELECTIN(Book, author)));
    (void)st_append(s, loaded, books, st_add(s, Book, .title = "x"));
    (void)st_update_where(s, Author, NULL, NULL, ST_SET(Author, name, "x"), ST_ADD(Author, born, 1));
    int64_t n = 0;
    const char *name = NULL;
    e = ST_AND(ST_T_GT(ST_SUM(Book, sold), 3), ST_T_LT(ST_AVG(Book, sold), 3), ST_EQ_COL(Book, author_id, Author, id),
               ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "a"), "x"), ST_T_LIKE(ST_LOWER(ST_COL(Book, title)), "x%"),
               ST_IN_QUERY(ST_COL(Author, id), ST_COL(Book, author_id), Book, .limit = 3));
    (void)st_read(s, Got, Author, .joins = ST_JOINS(ST_INNER_ALONG(Author, books, Book, NULL)),
                  .fields = ST_FIELDS(ST_FIELD(Got, n, ST_COUNT_ALL), ST_FIELD(Got, name, ST_COL(Author, name))),
                  .group_by = ST_TERMS(ST_COL(Author, name)), .sort = ST_SORT(ST_UP(ST_COL(Author, name))));
    (void)st_scalar(s, Book, ST_COALESCE(ST_SUM(Book, sold), ST_CONST((int64_t)0)), &n);
    (void)st_scalar(s, Book, ST_MIN(Book, title), &name);
#if MISUSE == 6
    e = ST_EQ(Author, name, 3);
#elif MISUSE == 7
    e = ST_EQ(Author, born, "x");
#elif MISUSE == 8
    e = ST_EQ(Author, id, "x");
#elif MISUSE == 9
    e = ST_EQ(Author, born, 1.5);
#elif MISUSE == 10
    e = ST_EQ(Author, naem, "x");
#elif MISUSE == 11
    e = ST_IN(Author, id, names, 2);
#elif MISUSE == 12
    e = ST_LIKE(Author, born, "x");
#elif MISUSE == 13
    e = ST_EQ(Author, created_at, 5);
#elif MISUSE == 14
    e = ST_BETWEEN(Author, born, 1, "x");
#elif MISUSE == 15
    loaded->version = 3;
#elif MISUSE == 16
    (void)st_add(s, Author, .nmae = "x");
#elif MISUSE == 17
    (void)st_update_where(s, Author, NULL, NULL, ST_SET(Author, name, 3));
#elif MISUSE == 18
    (void)st_update_where(s, Author, NULL, NULL, ST_ADD(Author, name, "x"));
#elif MISUSE == 19
    (void)st_select(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, naem)));
#elif MISUSE == 20
    (void)st_insert_many(s, Author, NULL, 0, NULL, .conflict = ST_MEMBERS(Author, naem));
#elif MISUSE == 21
    e = ST_EQ(Author, born, loaded->born);
#elif MISUSE == 22
    (void)st_one(s, Book, (const Book *)NULL, tags, Author);
#elif MISUSE == 23
    const Book *b = st_get(s, Author, id);
    b->no_such_member;
#elif MISUSE == 25
    e = ST_T_GT(ST_COUNT_ALL, "x");
#elif MISUSE == 26
    e = ST_EQ_COL(Book, author_id, Author, name);
#elif MISUSE == 27
    e = ST_T_EQ(ST_SUM(Author, name), 1);
#elif MISUSE == 28
    e = ST_T_EQ(ST_AVG(Author, name), 1);
#elif MISUSE == 29
    e = ST_T_EQ(ST_JSON_TEXT(Author, name, "x"), "y");
#elif MISUSE == 30
    e = ST_IN_QUERY(ST_COL(Author, id), ST_COL(Book, title), Book, .limit = 3);
#elif MISUSE == 31
    e = ST_T_EQ(ST_COALESCE(ST_COUNT_ALL, ST_CONST("x")), 1);
#elif MISUSE == 32
    e = ST_T_LIKE(ST_COUNT_ALL, "x");
#elif MISUSE == 33
    e = ST_T_EQ(ST_PLUS(ST_COL(Book, title), ST_COL(Book, title)), "x");
#elif MISUSE == 34
    e = ST_T_EQ(ST_MAX(Book, author_id), id);
#elif MISUSE == 35
    (void)st_scalar(s, Book, ST_COUNT_ALL, &name);
#elif MISUSE == 36
    (void)st_read(s, Got, Author, .fields = ST_FIELDS(ST_FIELD(Got, n, ST_COL(Author, name))));
#elif MISUSE == 37
    (void)st_find(s, Author, .joins = ST_JOINS(ST_INNER_ALONG(Author, name, Book, NULL)));
#elif MISUSE == 38
    (void)st_read(s, Got, Author, .group_by = ST_TERMS("x"));
#elif MISUSE == 39
    (void)st_raw(s, Got, "SELECT 1", ST_PARAMS(ST_V(loaded)));
#elif MISUSE == 40
    (void)st_select(s, Author, NULL, .with = ST_SELECTIN(Author, name));
#elif MISUSE == 41
    (void)st_append(s, loaded, name, loaded);
#endif
    (void)e;
    return loaded->version;
}
