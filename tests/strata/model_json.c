#include "base/json.h"
#include "library.h"
#include "test.h"

static const char *to_json(buf *b, const st_model *m, const void *obj, const char *const *fields)
{
    struct json_writer w;
    buf_clear(b);
    json_start(&w, b);
    st_to_json(&w, m, obj, fields);
    OK(b->err);
    return b->p;
}

START_TEST(every_type_has_its_spelling)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 16);
    Book k = {.tenant_id = {{1}},
              .id = {{0xab, 2}},
              .title = "A \"B\"\n",
              .order = -7,
              .kind = KIND_POEMS,
              .mood = {MOOD_GAY, true},
              .in_print = true,
              .shelf = 3,
              .sold = INT64_MAX,
              .price = 0.1,
              .floor = {-2, true},
              .published = {{1000000}, true},
              .tags = {(const char *const[]){"x", "y"}, 2},
              .related = {(const st_uuid[]){{{0xff}}}, 1},
              .cover = {(const uint8_t *)"\0\1\2\3", 4},
              .book_metadata = {"{\"a\":[1,2]}"},
              .version = 9};
    ck_assert_str_eq(
        to_json(&b, &Book_model, &k, NULL),
        "{\"tenant_id\":\"01000000-0000-0000-0000-000000000000\",\"id\":\"ab020000-0000-0000-0000-000000000000\","
        "\"author_id\":\"00000000-0000-0000-0000-000000000000\",\"sequel_to\":null,\"title\":\"A \\\"B\\\"\\n\","
        "\"order\":-7,\"kind\":\"poems\",\"mood\":\"gay\",\"in_print\":true,\"shelf\":3,\"sold\":9223372036854775807,"
        "\"price\":0.1,\"signed_copy\":null,\"floor\":-2,\"weight\":null,\"rating\":null,"
        "\"published\":\"1970-01-01T00:00:01Z\",\"tags\":[\"x\",\"y\"],"
        "\"related\":[\"ff000000-0000-0000-0000-000000000000\"],\"cover\":\"AAECAw==\","
        "\"book_metadata\":{\"a\":[1,2]},\"version\":9}");
}
END_TEST

START_TEST(base64_pads_each_length)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 16);
    static const char *const want[] = {"\"\"", "\"/w==\"", "\"/+8=\"", "\"/++/\""};
    for (size_t n = 0; n < 4; n++) {
        char text[40];
        Book k = {.cover = {(const uint8_t *)"\xff\xef\xbf", n}};
        (void)snprintf(text, sizeof text, "{\"cover\":%s}", want[n]);
        ck_assert_str_eq(to_json(&b, &Book_model, &k, (const char *const[]){"cover", NULL}), text);
    }
}
END_TEST

START_TEST(hidden_columns_stay_out_and_fields_select)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 16);
    Author a = {.name = "Anna", .password = "secret", .born = {1900, true}};
    ck_assert_ptr_null(strstr(to_json(&b, &Author_model, &a, NULL), "password"));
    ck_assert_ptr_null(strstr(b.p, "books"));
    ck_assert_str_eq(to_json(&b, &Author_model, &a, (const char *const[]){"born", "password", "name", NULL}),
                     "{\"name\":\"Anna\",\"born\":1900}");
}
END_TEST

START_TEST(loaded_relations_are_written_when_they_are_named)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 16);
    Author a = {.name = "Anna", .password = "secret"};
    Book k = {.title = "One", .author = {&a, true}}, l = {.title = "Two"};
    a.books = (st_list){.items = (const void *const[]){&k, &l}, .n = 2, .loaded = true};
    ck_assert_ptr_null(strstr(to_json(&b, &Author_model, &a, NULL), "books"));
    ck_assert_str_eq(to_json(&b, &Author_model, &a, (const char *const[]){"name", "books.title", "books.order", NULL}),
                     "{\"name\":\"Anna\",\"books\":[{\"title\":\"One\",\"order\":0},{\"title\":\"Two\",\"order\":0}]}");
    ck_assert_str_eq(to_json(&b, &Book_model, &k, (const char *const[]){"author.books.title", "author.password", NULL}),
                     "{\"author\":{\"books\":[{\"title\":\"One\"},{\"title\":\"Two\"}]}}");
    ck_assert_str_eq(to_json(&b, &Book_model, &l, (const char *const[]){"author", "title", NULL}),
                     "{\"title\":\"Two\"}");
    l.author = (st_ref){NULL, true};
    ck_assert_str_eq(to_json(&b, &Book_model, &l, (const char *const[]){"author", NULL}), "{\"author\":null}");
    const char *whole = to_json(&b, &Book_model, &k, (const char *const[]){"author", NULL});
    ck_assert_ptr_nonnull(strstr(whole, "\"name\":\"Anna\""));
    ck_assert_ptr_null(strstr(whole, "secret"));
    ck_assert_ptr_null(strstr(whole, "books"));
}
END_TEST

RUN("model_json", 10, CASE(every_type_has_its_spelling), CASE(base64_pads_each_length),
    CASE(hidden_columns_stay_out_and_fields_select), CASE(loaded_relations_are_written_when_they_are_named));
