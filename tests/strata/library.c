#include "library.h"

#include "strata/define.h"

#define T Country
ST_MODEL(Country, "countries", COL(code, .pk = true, .max = 2), COL(name, .max = 40), COL(population));
#undef T

#define T Author
ST_MODEL(Author, "authors", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name, .max = 10),
         COL(email, .null = true, .pattern = "[^@]+@[^@]+"), REF(country, Country, .null = true),
         COL(born, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(2100)),
         COL(password, .null = true, .hidden = true), COL(created_at, .created = true),
         COL(updated_at, .updated = true), COL(version, .version = true), MANY(books, Book, author_id),
         UNIQUE("authors_name_key", "name"));
#undef T

ST_ENUM_DEFINE(book_kind_enum, "novel", "poems", "other");
ST_ENUM_DEFINE(book_mood_enum, "sad", "gay");

#define T Book
ST_MODEL(Book, "books", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true),
         REF(author_id, Author, .on_delete = ST_CASCADE), REF(sequel_to, Book), COL(title), COL(order),
         COL(kind, .enumeration = &book_kind_enum), COL(mood, .enumeration = &book_mood_enum, .as_smallint = true),
         COL(in_print), COL(shelf), COL(sold), COL(price), COL(signed_copy), COL(floor), COL(weight),
         COL(rating, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(5)), COL(published), COL(tags, .max = 3),
         COL(related, .null = true), COL(cover, .null = true, .max = 8),
         COL(book_metadata, .column = "metadata", .null = true), COL(version, .version = true),
         ONE(author, Author, author_id), UNIQUE("books_title_order_key", "title", "order"));
#undef T

#define T Note
ST_MODEL(Note, "notes", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(body));
#undef T

const st_model *const library_models[5] = {&Country_model, &Author_model, &Book_model, &Note_model, NULL};
