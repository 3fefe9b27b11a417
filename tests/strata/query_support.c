#include "query_support.h"

#include "strata/define.h"

extern const struct st_enum book_kind_enum; /* library.c */

#define T Sales
ST_RESULT(Sales, COL(author), COL(books), COL(sold), COL(price));
#undef T
#define T Kinds
ST_RESULT(Kinds, COL(kind, .enumeration = &book_kind_enum), COL(titles), COL(last));
#undef T
#define T Pair
ST_RESULT(Pair, COL(first), COL(second));
#undef T
#define T Ranked
ST_RESULT(Ranked, COL(title), COL(place), COL(number), COL(total));
#undef T
#define T PerAuthor
ST_RESULT(PerAuthor, COL(author_id), COL(sold));
#undef T
#define T Chain
ST_RESULT(Chain, COL(id), COL(title), COL(depth));
#undef T
#define T Lang
ST_RESULT(Lang, COL(lang, .null = true), COL(n));
#undef T

void library_fill(struct world *w, st_uuid tenant)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    st_uuid anna = st_add(s, Author, .name = "Anna")->id, otto = st_add(s, Author, .name = "Otto")->id;
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Zoe"));
    Book *first = st_add(s, Book, .author_id = anna, .title = "First", .order = 1, .sold = 10, .price = 1);
    Book *second = st_add(s, Book, .author_id = anna, .title = "Second", .order = 2, .sold = 20, .price = 2,
                          .sequel_to = {first->id, true});
    ck_assert_ptr_nonnull(st_add(s, Book, .author_id = anna, .title = "Third", .order = 3, .sold = 30, .price = 3,
                                 .sequel_to = {second->id, true}));
    ck_assert_ptr_nonnull(
        st_add(s, Book, .author_id = otto, .title = "Poems", .kind = KIND_POEMS, .order = 4, .sold = 5, .price = 4));
    OK(st_commit(s));
}
