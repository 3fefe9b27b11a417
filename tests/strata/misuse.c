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
    (void)st_update_where(s, Author, NULL, NULL, ST_SET(Author, name, "x"), ST_ADD(Author, born, 1));
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
#endif
    (void)e;
    return loaded->version;
}
