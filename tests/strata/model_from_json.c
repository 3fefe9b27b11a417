/* Objects from JSON: what is taken, what is refused and why, and that what is written reads back. */
#include <errno.h>
#include <math.h>

#include "base/mem.h"
#include "library.h"
#include "strata/define.h"
#include "strata/model/value.h"
#include "test.h"

static const struct json_value *parsed(arena *a, const char *text)
{
    const struct json_value *v = NULL;
    OK(json_parse(a, str_of(text), &v, NULL));
    return v;
}

/* "title:required order:type": what is wrong. */
static const char *faults(arena *a, const struct st_field_errors *e)
{
    const char *all = "";
    for (size_t i = 0; i < e->n; i++) {
        ck_assert_uint_gt(strlen(e->v[i].message), 5);
        all = arena_printf(a, "%s%s%s:%s", all, i ? " " : "", e->v[i].field, e->v[i].code);
    }
    return all;
}

static const char *book_from(arena *a, const char *text, enum st_json_mode mode, Book *b)
{
    struct st_field_errors e;
    st_err rc = st_from_json(a, Book, parsed(a, text), mode, NULL, b, &e);
    ck_assert_int_eq(rc, e.n ? ST_E_INVALID : 0);
    if (rc) {
        ck_assert_str_eq(diag_last()->column, e.v[0].field);
        ck_assert_str_eq(diag_last()->constraint, e.v[0].code);
    }
    return faults(a, &e);
}

#define LEAST                                                                                                \
    "\"author_id\":\"ab020000-0000-0000-0000-000000000000\",\"title\":\"T\",\"order\":1,\"kind\":\"poems\"," \
    "\"in_print\":true,\"shelf\":3,\"sold\":4,\"price\":0.5"
#define WITH(more) "{" LEAST "," more "}"

START_TEST(every_type_is_read)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    Book b = {.version = 7};
    ck_assert_str_eq(
        book_from(
            a,
            WITH("\"sequel_to\":\"01000000-0000-0000-0000-000000000000\",\"mood\":\"gay\",\"signed_copy\":false,"
                 "\"floor\":-2,\"weight\":9223372036854775807,\"rating\":5,\"published\":\"1970-01-01T01:00:01+01:00\","
                 "\"tags\":[\"x\",\"\"],\"related\":[\"ff000000-0000-0000-0000-000000000000\"],"
                 "\"cover\":\"AAECAw==\",\"book_metadata\":{\"b\":[1,2.5,null],\"a\":\"\\u00e9\"}"),
            ST_JSON_CREATE, &b),
        "");
    ck_assert_int_eq(b.author_id.b[0], 0xab);
    ck_assert(b.sequel_to.set && b.sequel_to.v.b[0] == 1);
    ck_assert_str_eq(b.title, "T");
    ck_assert_int_eq(b.order, 1);
    ck_assert_int_eq(b.kind, KIND_POEMS);
    ck_assert(b.mood.set && b.mood.v == MOOD_GAY && b.in_print && b.shelf == 3 && b.sold == 4);
    ck_assert(b.signed_copy.set && !b.signed_copy.v && b.floor.v == -2 && b.weight.v == INT64_MAX);
    ck_assert(b.price >= 0.5 && b.price <= 0.5 && b.rating.v >= 5);
    ck_assert_int_eq(b.published.v.us, 1000000);
    ck_assert_uint_eq(b.tags.n, 2);
    ck_assert_str_eq(b.tags.v[1], "");
    ck_assert(b.related.n == 1 && b.related.v[0].b[0] == 0xff);
    ck_assert(b.cover.len == 4 && memcmp(b.cover.p, "\0\1\2\3", 4) == 0);
    ck_assert_str_eq(b.book_metadata.text, "{\"b\":[1,2.5,null],\"a\":\"\xc3\xa9\"}");
    ck_assert_int_eq(b.version, 7); /* the program's */
    OK(st_validate(&Book_model, &b));
}
END_TEST

START_TEST(all_that_is_wrong_is_told_at_once)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    Book b = {.sold = 77}, was = b;
    ck_assert_str_eq(
        book_from(a,
                  "{\"author_id\":\"no\",\"order\":2147483648,\"kind\":\"novels\",\"mood\":3,\"in_print\":1,"
                  "\"shelf\":1.5,\"sold\":\"4\",\"rating\":5.5,\"published\":\"yesterday\",\"tags\":[\"x\",null],"
                  "\"related\":\"x\",\"cover\":\"AAECAwQFBgcICQ==\",\"signed_copy\":\"yes\",\"version\":3,"
                  "\"nonsense\":1,\"author\":{},\"price\":null}",
                  ST_JSON_CREATE, &b),
        "author_id:type title:required order:range kind:enum mood:type in_print:type shelf:type sold:type "
        "price:null signed_copy:type rating:range published:type tags:type related:type cover:too_long "
        "version:read_only nonsense:unknown author:unknown");
    ck_assert_mem_eq(&b, &was, sizeof b); /* nothing of it was taken */
    ck_assert_str_eq(book_from(a, "[]", ST_JSON_CREATE, &b), ":type");
    ck_assert_str_eq(book_from(a, "{}", ST_JSON_CREATE, &b),
                     "author_id:required title:required order:required kind:required in_print:required shelf:required "
                     "sold:required price:required");
}
END_TEST

START_TEST(messages_say_what_would_do)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_field_errors e;
    Author who = {.name = "x"};
    CODE(st_from_json(a, Author, parsed(a, "{\"name\":\"elevenchars\",\"email\":\"x\",\"born\":2101}"), ST_JSON_PATCH,
                      NULL, &who, &e),
         ST_E_INVALID);
    BUF_AUTO buf b;
    struct json_writer w;
    buf_init(&b, 1 << 16);
    json_start(&w, &b);
    st_errors_to_json(&w, &e);
    ck_assert_str_eq(
        b.p, "[{\"field\":\"name\",\"code\":\"too_long\",\"message\":\"has 11 characters; at most 10 are allowed\"},"
             "{\"field\":\"email\",\"code\":\"pattern\",\"message\":\"does not have the form that its pattern asks "
             "for\"},{\"field\":\"born\",\"code\":\"range\",\"message\":\"is 2101; the most is 2100\"}]");
    ck_assert_str_eq(diag_last()->message, "Author.name has 11 characters; at most 10 are allowed");
    ck_assert_str_eq(diag_last()->table, "authors");
    Book book;
    CODE(st_from_json(a, Book, parsed(a, "{\"kind\":\"prose\"}"), ST_JSON_PATCH, NULL, &book, &e), ST_E_INVALID);
    ck_assert_str_eq(e.v[0].message, "must be one of novel, poems, other");
}
END_TEST

START_TEST(a_patch_changes_what_is_there_and_no_more)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    Book b = {.id = {{1}},
              .title = "Old",
              .order = 5,
              .mood = {MOOD_SAD, true},
              .cover = {(const uint8_t *)"x", 1},
              .price = 2,
              .version = 3};
    ck_assert_str_eq(book_from(a, "{\"title\":\"New\",\"mood\":null,\"cover\":null,\"shelf\":2.0}", ST_JSON_PATCH, &b),
                     "");
    ck_assert_str_eq(b.title, "New");
    ck_assert(!b.mood.set && !b.cover.p && b.shelf == 2 && b.order == 5 && b.version == 3 && b.id.b[0] == 1);
    ck_assert_str_eq(book_from(a, "{}", ST_JSON_PATCH, &b), "");
    ck_assert_str_eq(book_from(a, "{\"title\":null,\"tags\":null,\"order\":6,\"in_print\":null}", ST_JSON_PATCH, &b),
                     "title:null in_print:null tags:null");
    ck_assert_int_eq(b.order, 5);
}
END_TEST

START_TEST(clients_set_no_keys_tenants_versions_timestamps_or_hidden_columns)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_field_errors e;
    static const char all[] = "{\"name\":\"A\",\"tenant_id\":\"01000000-0000-0000-0000-000000000000\",\"id\":"
                              "\"01000000-0000-0000-0000-000000000000\","
                              "\"password\":\"x\",\"created_at\":\"1970-01-01T00:00:00Z\",\"updated_at\":\"1970-01-"
                              "01T00:00:00Z\",\"version\":1,"
                              "\"books\":[]}";
    for (enum st_json_mode mode = ST_JSON_CREATE; mode <= ST_JSON_PATCH; mode++) {
        Author who = {.name = "x"};
        CODE(st_from_json(a, Author, parsed(a, all), mode, NULL, &who, &e), ST_E_INVALID);
        ck_assert_str_eq(faults(a, &e), "tenant_id:read_only id:read_only password:unknown created_at:read_only "
                                        "updated_at:read_only version:read_only books:unknown");
    }
    /* A key that no session could give comes from the client, and stays. */
    Country c = {.population = 1};
    OK(st_from_json(a, Country, parsed(a, "{\"code\":\"at\",\"name\":\"Austria\",\"population\":9}"), ST_JSON_CREATE,
                    NULL, &c, &e));
    ck_assert_str_eq(c.code, "at");
    CODE(st_from_json(a, Country, parsed(a, "{\"code\":\"de\"}"), ST_JSON_PATCH, NULL, &c, &e), ST_E_INVALID);
    ck_assert_str_eq(faults(a, &e), "code:read_only");
    /* The caller may allow less. */
    static const char *const allowed[] = {"name", "version", NULL};
    Author who = {.email = "kept@example.org"};
    CODE(st_from_json(a, Author, parsed(a, "{\"name\":\"A\",\"email\":\"a@b\",\"version\":2}"), ST_JSON_CREATE, allowed,
                      &who, &e),
         ST_E_INVALID);
    ck_assert_str_eq(faults(a, &e), "email:read_only version:read_only");
    OK(st_from_json(a, Author, parsed(a, "{\"name\":\"A\"}"), ST_JSON_CREATE, allowed, &who, NULL));
    ck_assert_str_eq(who.email, "kept@example.org");
}
END_TEST

typedef struct Defaults {
    int64_t id;
    const char *state, *text;
    int32_t tries;
    bool open;
    double rate;
    st_time at;
    enum book_kind kind;
    st_uuid token;
} Defaults;
static ST_ENUM_DEFINE(kinds, "novel", "poems");
#define T Defaults
ST_DECLARE(Defaults);
ST_MODEL(Defaults, "defaults", COL(id, .pk = true), COL(state, .default_sql = "'new'"),
         COL(text, .default_sql = "lower('X')"), COL(tries, .default_sql = "3"), COL(open, .default_sql = "true"),
         COL(rate, .default_sql = "0.5"), COL(at, .default_sql = "now()"),
         COL(kind, .enumeration = &kinds, .default_sql = "'poems'"), COL(token, .default_sql = "gen_random_uuid()"));
#undef T

START_TEST(plain_defaults_stand_in_for_what_is_not_given)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_field_errors e;
    Defaults d = {.id = 0};
    CODE(st_from_json(a, Defaults, parsed(a, "{\"id\":1}"), ST_JSON_CREATE, NULL, &d, &e), ST_E_INVALID);
    ck_assert_str_eq(faults(a, &e), "text:required token:required"); /* only the database could tell */
    OK(st_from_json(
        a, Defaults,
        parsed(a, "{\"id\":1,\"text\":\"t\",\"token\":\"01000000-0000-0000-0000-000000000000\",\"open\":false}"),
        ST_JSON_CREATE, NULL, &d, &e));
    ck_assert_str_eq(d.state, "new");
    ck_assert(d.tries == 3 && !d.open && d.rate > 0.4 && d.at.us > 0 && d.kind == KIND_POEMS);
}
END_TEST

START_TEST(texts_keep_the_rules_of_their_encodings)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    Book b = {.title = "x"};
    ck_assert_str_eq(book_from(a, "{\"title\":\"a\\u0000b\"}", ST_JSON_PATCH, &b), "title:encoding");
    ck_assert_str_eq(book_from(a, "{\"book_metadata\":{\"a\":\"\\u0000\"}}", ST_JSON_PATCH, &b), "book_metadata:json");
    static const char *const bad[] = {"A", "AA=", "AAA", "AB==", "AAB=", "=AAA", "A=AA", "A A=", "AA-_", "===="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *text = arena_printf(a, "{\"cover\":\"%s\"}", bad[i]);
        ck_assert_msg(strcmp(book_from(a, text, ST_JSON_PATCH, &b), "cover:type") == 0, "%s was taken", bad[i]);
    }
    ck_assert_str_eq(book_from(a, "{\"cover\":\"\"}", ST_JSON_PATCH, &b), "");
    ck_assert(b.cover.p && b.cover.len == 0);
}
END_TEST

START_TEST(json_columns_hold_json)
{
    Book b = {.title = "x", .book_metadata = {"{\"a\": [1, 2.5e3, \"\\ud83d\\ude00\"]}"}};
    OK(st_validate(&Book_model, &b));
    char deep[80];
    memset(deep, '[', 33);
    memset(deep + 33, ']', 33);
    deep[66] = '\0';
    const char *const bad[] = {"",    "{",        "{\"a\":1,}", "nope", "1 2", "\"\\ud800\"", "\"\\u0000\"",
                               "'x'", "\"\xff\"", deep};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        b.book_metadata.text = bad[i];
        ck_assert_msg(st_validate(&Book_model, &b) == ST_E_INVALID, "%s passes", bad[i]);
        ck_assert_str_eq(diag_last()->constraint, "json");
    }
    deep[33 + 32] = '\0';
    b.book_metadata.text = deep + 1; /* 32 deep */
    OK(st_validate(&Book_model, &b));
}
END_TEST

START_TEST(validation_collects_all_fields)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_field_errors e;
    Book b = {.kind = (enum book_kind)9, .price = NAN, .rating = {6, true}, .book_metadata = {"{"}};
    CODE(st_validate_all(&Book_model, &b, a, &e), ST_E_INVALID);
    ck_assert_str_eq(faults(a, &e), "title:required kind:enum price:type rating:range book_metadata:json");
    b = (Book){.title = "fine"};
    OK(st_validate_all(&Book_model, &b, a, &e));
    ck_assert_uint_eq(e.n, 0);
}
END_TEST

START_TEST(a_flood_of_members_costs_little_and_is_cut_off)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    BUF_AUTO buf text;
    buf_init(&text, 64 << 20);
    (void)buf_puts(&text, "{\"title\":\"x\"");
    for (int i = 0; i < 200000; i++) {
        (void)buf_printf(&text, ",\"m%d\":1", i);
    }
    (void)buf_puts(&text, "}");
    const struct json_value *in = parsed(a, text.p);
    struct st_field_errors e;
    Book b = {.title = "y"};
    size_t before = arena_used(a);
    CODE(st_from_json(a, Book, in, ST_JSON_PATCH, NULL, &b, &e), ST_E_INVALID);
    ck_assert_uint_eq(e.n, ST_FIELD_ERRORS_MAX);
    ck_assert(e.more);
    ck_assert_uint_lt(arena_used(a) - before, 16384);
}
END_TEST

/* ---- there and back ---- */

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 29;
}

static const char *some_text(arena *a, uint64_t *seed)
{
    static const char *const parts[] = {"a", "\"", "\\", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80", "/", "\x01", "'", " "};
    const char *s = "";
    for (uint64_t n = draw(seed) % 8; n > 0; n--) {
        s = arena_printf(a, "%s%s", s, parts[draw(seed) % 10]);
    }
    return s;
}

static Book some_book(arena *a, uint64_t *seed)
{
    Book b = {.title = some_text(a, seed), .order = (int32_t)draw(seed), .kind = (enum book_kind)(draw(seed) % 3)};
    b.mood = (st_opt_enum){(unsigned)(draw(seed) % 2), draw(seed) % 2};
    b.in_print = draw(seed) % 2;
    b.shelf = (int16_t)draw(seed);
    b.sold = (int64_t)(draw(seed) << 32 ^ draw(seed) << 8);
    uint64_t bits = draw(seed) << 40 ^ draw(seed) << 17 ^ draw(seed);
    memcpy(&b.price, &bits, sizeof b.price);
    b.price = isfinite(b.price) ? b.price : 0.1;
    b.floor = (st_opt_int16){(int16_t)draw(seed), draw(seed) % 2};
    b.weight = (st_opt_int64){(int64_t)draw(seed) - (1 << 30), draw(seed) % 2};
    b.rating = (st_opt_double){(double)(draw(seed) % 5000) / 1000, draw(seed) % 2};
    b.published = (st_opt_time){{(int64_t)(draw(seed) << 15) - (1LL << 48)}, draw(seed) % 2};
    b.signed_copy = (st_opt_bool){draw(seed) % 2, draw(seed) % 2};
    for (int i = 0; i < 16; i++) {
        b.author_id.b[i] = (uint8_t)draw(seed);
    }
    b.sequel_to = (st_opt_uuid){b.author_id, draw(seed) % 2};
    const char **tags = ARENA_ARRAY(a, const char *, 3);
    uint8_t *cover = arena_alloc(a, 8);
    ck_assert(tags && cover);
    for (int i = 0; i < 3; i++) {
        tags[i] = some_text(a, seed);
    }
    for (int i = 0; i < 8; i++) {
        cover[i] = (uint8_t)draw(seed);
    }
    b.tags = (st_texts){tags, draw(seed) % 4};
    if (draw(seed) % 2) {
        b.cover = (st_bytes){cover, draw(seed) % 9};
    }
    if (draw(seed) % 2) {
        b.related = (st_uuids){&b.author_id, 0};
    }
    if (draw(seed) % 2) {
        BUF_AUTO buf text;
        struct json_writer w;
        buf_init(&text, 4096);
        json_start(&w, &text);
        json_object(&w);
        json_key(&w, some_text(a, seed));
        json_double(&w, b.price);
        json_end(&w);
        b.book_metadata.text = arena_strdup(a, text.p);
    }
    return b;
}

START_TEST(what_is_written_reads_back_the_same)
{
    static const char *const settable[] = {"author_id",   "sequel_to", "title",  "order",         "kind",
                                           "mood",        "in_print",  "shelf",  "sold",          "price",
                                           "signed_copy", "floor",     "weight", "rating",        "published",
                                           "tags",        "related",   "cover",  "book_metadata", NULL};
    const char *given = getenv("WAYMARK_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20261122;
    for (int i = 0; i < 5000; i++) {
        uint64_t at = seed;
        ARENA_AUTO arena *a = arena_new(NULL, 0);
        BUF_AUTO buf text;
        struct json_writer w;
        struct st_field_errors e;
        buf_init(&text, 1 << 16);
        Book b = some_book(a, &seed), again[2] = {{.version = 1}, some_book(a, &seed)};
        OK(st_validate(&Book_model, &b));
        json_start(&w, &text);
        st_to_json(&w, &Book_model, &b, settable);
        for (int k = 0; k < 2; k++) {
            st_err rc =
                st_from_json(a, Book, parsed(a, text.p), k ? ST_JSON_PATCH : ST_JSON_CREATE, NULL, &again[k], &e);
            ck_assert_msg(rc == 0, "seed %llu: %s: %s", (unsigned long long)at, test_diag(), text.p);
            for (const char *const *f = settable; *f; f++) {
                const st_attr *attr = st_model_attr(&Book_model, *f);
                ck_assert_msg(st_value_same(attr, &b, &again[k]), "seed %llu: %s of %s", (unsigned long long)at, *f,
                              text.p);
            }
        }
    }
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    ARENA_AUTO arena *values = arena_new(NULL, 0);
    static const char text[] = WITH("\"tags\":[\"x\"],\"related\":[],\"cover\":\"AAEC\",\"book_metadata\":{\"a\":1}");
    const struct json_value *good = parsed(values, text);
    const struct json_value *bad = parsed(values, "{\"tags\":[1],\"kind\":\"?\",\"x\":1,\"title\":5}");
    for (int way = 0; way < 2; way++) {
        for (uint64_t i = 1;; i++) {
            ARENA_AUTO arena *a = arena_new(NULL, 0);
            Book b = {.title = "kept"};
            struct st_field_errors e;
            mem_fail_at(i, false);
            st_err rc = st_from_json(a, Book, way ? bad : good, ST_JSON_CREATE, NULL, &b, &e);
            bool reached = mem_fail_seen() >= i;
            mem_fail_at(0, false);
            if (!reached) {
                CODE(rc, way ? ST_E_INVALID : 0);
                ck_assert_uint_gt(i, 1);
                break;
            }
            CODE(rc, -ENOMEM);
            ck_assert_str_eq(b.title, "kept");
        }
    }
}
END_TEST

RUN("model_from_json", 60, CASE(every_type_is_read), CASE(all_that_is_wrong_is_told_at_once),
    CASE(messages_say_what_would_do), CASE(a_patch_changes_what_is_there_and_no_more),
    CASE(clients_set_no_keys_tenants_versions_timestamps_or_hidden_columns),
    CASE(plain_defaults_stand_in_for_what_is_not_given), CASE(texts_keep_the_rules_of_their_encodings),
    CASE(json_columns_hold_json), CASE(validation_collects_all_fields),
    CASE(a_flood_of_members_costs_little_and_is_cut_off), CASE(what_is_written_reads_back_the_same),
    CASE(every_allocation_may_fail));
