#include "strata/engine/url.h"

#include <errno.h>

#include "base/mem.h"
#include "test.h"

static struct st_url parse(arena *a, const char *text)
{
    struct st_url u;
    OK(st_url_parse(a, text, &u));
    return u;
}

static const char *why(const char *text)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_url u;
    CODE(st_url_parse(a, text, &u), ST_E_URL);
    return diag_last()->message;
}

static void says(const char *text, const char *part)
{
    const char *message = why(text);
    ck_assert_msg(strstr(message, part) != NULL, "%s: \"%s\" does not say \"%s\"", text, message, part);
}

START_TEST(sqlite_paths_are_relative_absolute_or_memory)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    ck_assert_str_eq(parse(a, "sqlite:///data/way.db").path, "data/way.db");
    ck_assert_str_eq(parse(a, "sqlite:////var/lib/way%20mark.db").path, "/var/lib/way mark.db");
    struct st_url u = parse(a, "sqlite:///:memory:");
    ck_assert(u.memory && u.dialect == ST_SQLITE && u.create && !u.read_only);
    ck_assert_str_eq(u.shown, "sqlite:///:memory:");
}
END_TEST

START_TEST(sqlite_parameters_are_read)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_url u = parse(a, "sqlite:///x?mode=ro&cache_kib=4096&busy_ms=250&synchronous=full");
    ck_assert(u.read_only && u.sync_full && !u.create);
    ck_assert_uint_eq(u.cache_kib, 4096);
    ck_assert_int_eq(u.busy_ms, 250);
    ck_assert_int_eq(parse(a, "sqlite:///x").busy_ms, -1);
    ck_assert(!parse(a, "sqlite:///x?mode=rw").create);
}
END_TEST

START_TEST(postgresql_urls_become_libpq_pairs)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct st_url u = parse(a, "postgresql://ann:s%40crt@db.example:6432/way?sslmode=require&pooler=transaction"
                               "&connect_timeout=3");
    ck_assert(u.dialect == ST_POSTGRESQL && u.pooler);
    ck_assert_str_eq(st_url_get(&u, "host"), "db.example");
    ck_assert_str_eq(st_url_get(&u, "port"), "6432");
    ck_assert_str_eq(st_url_get(&u, "user"), "ann");
    ck_assert_str_eq(st_url_get(&u, "password"), "s@crt");
    ck_assert_str_eq(st_url_get(&u, "dbname"), "way");
    ck_assert_str_eq(st_url_get(&u, "sslmode"), "require");
    ck_assert_str_eq(st_url_get(&u, "connect_timeout"), "3");
    ck_assert_ptr_null(st_url_get(&u, "pooler"));
    ck_assert(!parse(a, "postgres:///way?host=/run/postgresql").pooler);
}
END_TEST

START_TEST(passwords_are_not_shown)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    ck_assert_str_eq(parse(a, "postgresql://ann:s3@h:1/d?sslpassword=x&options=b").shown,
                     "postgresql://ann:***@h:1/d?sslpassword=***&options=b");
    ck_assert_str_eq(parse(a, "postgresql://h/d?user=u&password=x").shown, "postgresql://h/d?user=u&password=***");
    ck_assert_str_eq(parse(a, "postgresql://ann@h/d").shown, "postgresql://ann@h/d");
    ck_assert_ptr_null(strstr(why("postgresql://ann:secret%zz@h/d"), "secret"));
    ck_assert_ptr_null(strstr(why("ann:secret@h/d"), "secret"));
}
END_TEST

START_TEST(errors_name_what_is_wrong)
{
    says("", "is empty");
    says("way.db", "no scheme");
    says("mysql://h/d", "'mysql'");
    says("sqlite://way.db", "three slashes");
    says("sqlite:///", "three slashes");
    says("sqlite:///x%4", "percent-encoding in 'x%4'");
    says("sqlite:///x%00y", "percent-encoding");
    says("sqlite:///x?mode=rwx", "'rwx'");
    says("sqlite:///x?synchronous=off", "'off'");
    says("sqlite:///x?cache_kib=lots", "cache_kib must be a number from 64");
    says("sqlite:///x?busy_ms=-1", "busy_ms must be a number");
    says("sqlite:///x?colour=red", "parameter 'colour'");
    says("sqlite:///:memory:?mode=ro", "mode=ro");
    says("postgresql://h/d?colour=red", "\"colour\"");
    says("postgresql://h:99999/d", "'99999'");
    says("postgresql://h:x/d", "'x'");
    says("postgresql://[::1/d", "]");
    says("postgresql://h/d?pooler=statement", "'statement'");
    char big[ST_URL_MAX + 100];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    memcpy(big, "sqlite:///", 10);
    says(big, "longer than");
}
END_TEST

START_TEST(out_of_memory_is_an_error_like_any_other)
{
    const char *urls[] = {"sqlite:///x%20y?mode=ro", "postgresql://a:b@h:5432/d?sslmode=require&pooler=session"};
    for (size_t i = 0; i < 2; i++) {
        for (uint64_t n = 1;; n++) {
            arena *a = arena_new(NULL, 0);
            struct st_url u;
            mem_fail_at(n, false);
            st_err rc = st_url_parse(a, urls[i], &u);
            bool reached = mem_fail_seen() >= n;
            mem_fail_at(0, false);
            arena_free(a);
            if (!reached) {
                OK(rc);
                ck_assert_uint_gt(n, 1);
                break;
            }
            CODE(rc, -ENOMEM);
        }
    }
}
END_TEST

RUN("engine_url", 10, CASE(sqlite_paths_are_relative_absolute_or_memory), CASE(sqlite_parameters_are_read),
    CASE(postgresql_urls_become_libpq_pairs), CASE(passwords_are_not_shown), CASE(errors_name_what_is_wrong),
    CASE(out_of_memory_is_an_error_like_any_other));
