#include <math.h>

#include "base/mem.h"
#include "library.h"
#include "test.h"

static Author author(void)
{
    return (Author){.name = "Anna", .email = "anna@example.org"};
}
static Book book(void)
{
    return (Book){.title = "Poems"};
}

static void refuses(const st_model *m, const void *obj, const char *field, const char *word)
{
    CODE(st_validate(m, obj), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->column, field);
    ck_assert_str_eq(diag_last()->table, m->table);
    ck_assert_msg(strstr(test_diag(), word), "no \"%s\" in: %s", word, test_diag());
}

START_TEST(what_keeps_the_rules_passes)
{
    Author a = author();
    OK(st_validate(&Author_model, &a));
    a.email = NULL;
    a.name = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"; /* ten characters */
    a.born = (st_opt_int32){2100, true};
    OK(st_validate(&Author_model, &a));
    Book b = book();
    b.tags = (st_texts){(const char *const[]){"a", "b", "c"}, 3};
    b.rating = (st_opt_double){5, true};
    OK(st_validate(&Book_model, &b));
}
END_TEST

START_TEST(text_is_checked_for_presence_length_form_and_encoding)
{
    Author a = author();
    a.name = NULL;
    refuses(&Author_model, &a, "name", "missing");
    a.name = "elevenchars";
    refuses(&Author_model, &a, "name", "at most 10");
    a.name = "latin\xe9";
    refuses(&Author_model, &a, "name", "UTF-8");
    a = author();
    a.email = "anna@example.org, otto";
    OK(st_validate(&Author_model, &a));
    a.email = "anna@example.org@";
    refuses(&Author_model, &a, "email", "form");
    a.email = "xanna";
    refuses(&Author_model, &a, "email", "form");
}
END_TEST

START_TEST(numbers_are_checked_for_range_and_being_numbers)
{
    Author a = author();
    a.born = (st_opt_int32){-1, true};
    refuses(&Author_model, &a, "born", "the least is 0");
    a.born = (st_opt_int32){-1, false};
    OK(st_validate(&Author_model, &a));
    Book b = book();
    b.rating = (st_opt_double){5.5, true};
    refuses(&Book_model, &b, "rating", "the most is 5");
    b = book();
    b.price = NAN;
    refuses(&Book_model, &b, "price", "not a number");
}
END_TEST

START_TEST(enums_arrays_and_bytes_are_checked)
{
    Book b = book();
    b.kind = (enum book_kind)3;
    refuses(&Book_model, &b, "kind", "enumeration");
    b = book();
    b.mood = (st_opt_enum){2, true};
    refuses(&Book_model, &b, "mood", "enumeration");
    b = book();
    b.tags = (st_texts){(const char *const[]){"a", "b", "c", "d"}, 4};
    refuses(&Book_model, &b, "tags", "at most 3");
    b.tags = (st_texts){(const char *const[]){"a", NULL}, 2};
    refuses(&Book_model, &b, "tags", "null");
    b = book();
    b.cover = (st_bytes){(const uint8_t *)"123456789", 9};
    refuses(&Book_model, &b, "cover", "at most 8");
}
END_TEST

START_TEST(a_pattern_that_runs_wild_is_stopped)
{
    static const st_attr attrs[] = {{.kind = ST_A_COLUMN,
                                     .name = "s",
                                     .type = ST_TEXT,
                                     .size = sizeof(char *),
                                     .pk = true,
                                     .pattern = "(a+)+[bd]"}};
    static const st_model wild = {
        .name = "Wild", .table = "wild", .size = sizeof(char *), .attrs = attrs, .n_attrs = 1};
    const char *s = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac";
    refuses(&wild, &s, "s", "form");
}
END_TEST

START_TEST(memory_running_out_is_told)
{
    Author a = author();
    mem_fail_at(UINT64_MAX, false);
    OK(st_validate(&Author_model, &a));
    uint64_t n = mem_fail_seen();
    ck_assert_uint_gt(n, 0);
    for (uint64_t i = 1; i <= n; i++) {
        mem_fail_at(i, false);
        CODE(st_validate(&Author_model, &a), -ENOMEM);
    }
    mem_fail_at(0, false);
}
END_TEST

RUN("model_validate", 10, CASE(what_keeps_the_rules_passes),
    CASE(text_is_checked_for_presence_length_form_and_encoding), CASE(numbers_are_checked_for_range_and_being_numbers),
    CASE(enums_arrays_and_bytes_are_checked), CASE(a_pattern_that_runs_wild_is_stopped),
    CASE(memory_running_out_is_told));
