/* TLS and the other parameters of libpq through the URL: a server with a certificate of a CA made here. */
#include "engine_support.h"
#include "strata/strata.h"

struct secure {
    struct server files; /* keys and certificates, the server user's */
    struct pg_server pg;
    fiber_loop *loop;
    const char *database; /* its URL up to the parameters, for the host that the certificate names */
};

static const char *in_files(const struct secure *t, const char *name)
{
    return server_printf("%s/%s", t->files.dir, name);
}

#define OPENSSL server_program("/usr/bin/openssl", "openssl")

static void make_ca(const struct secure *t, const char *name)
{
    server_run(&t->files,
               (const char *const[]){OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                     "-nodes", "-keyout", in_files(t, server_printf("%s.key", name)), "-out",
                                     in_files(t, server_printf("%s.pem", name)), "-days", "2", "-subj",
                                     server_printf("/CN=%s", name), NULL});
}

static void make_certificate(const struct secure *t)
{
    server_put_file(&t->files, "names", "subjectAltName=DNS:db.test\n", 27);
    server_run(&t->files, (const char *const[]){OPENSSL, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                                "-nodes", "-keyout", in_files(t, "server.key"), "-out",
                                                in_files(t, "request"), "-subj", "/CN=db.test", NULL});
    server_run(&t->files,
               (const char *const[]){OPENSSL, "x509", "-req", "-in", in_files(t, "request"), "-CA",
                                     in_files(t, "ca.pem"), "-CAkey", in_files(t, "ca.key"), "-CAcreateserial", "-out",
                                     in_files(t, "server.pem"), "-days", "2", "-extfile", in_files(t, "names"), NULL});
}

static void open_secure(struct secure *t)
{
    memset(t, 0, sizeof *t);
    server_init(&t->files, "tls", false);
    make_ca(t, "ca");
    make_ca(t, "other");
    make_certificate(t);
    pg_server_start(&t->pg, false,
                    server_printf("ssl = on\nssl_cert_file = '%s'\nssl_key_file = '%s'", in_files(t, "server.pem"),
                                  in_files(t, "server.key")));
    const char *url = pg_server_database(&t->pg), *at = strchr(url, '@'), *port = strrchr(url, ':');
    t->database = server_printf("%.*s@db.test%s?hostaddr=127.0.0.1", (int)(at - url), url, port);
    OK(fiber_loop_open(NULL, &t->loop));
}

static void close_secure(struct secure *t)
{
    fiber_loop_close(t->loop);
    pg_server_stop(&t->pg);
    server_stop(&t->files, true);
}

static st_err try(const char *url, struct world *ret)
{
    *ret = (struct world){.dialect = ST_POSTGRESQL, .a = arena_new(NULL, 0)};
    OK(st_engine_open(url, NULL, &ret->e));
    return st_engine_ping(ret->e, fiber_in_ms(20000));
}

static void leave(struct world *w)
{
    st_engine_close(w->e);
    arena_free(w->a);
}

static int ask_much(void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < 10; i++) { /* more than a record of TLS holds, and more than one read takes */
        ck_assert_int_eq(number(w, "SELECT length(string_agg(x, ''))::bigint FROM (SELECT repeat('x', 1000) AS x "
                                   "FROM generate_series(1, 300)) AS many"),
                         300000);
        const char *text = arena_printf(w->a, "SELECT length('%0100000d')::bigint", 1);
        ck_assert_int_eq(number(w, text), 100000);
    }
    return 0;
}

START_TEST(a_server_that_proves_its_name_is_talked_to_in_secret)
{
    struct secure t;
    struct world w;
    open_secure(&t);
    const char *url = server_printf("%s&sslmode=verify-full&sslrootcert=%s", t.database, in_files(&t, "ca.pem"));
    OK(try(url, &w));
    ck_assert_int_eq(number(&w, "SELECT ssl::int::bigint FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), 1);
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < 4; i++) {
            OK(fiber_start(&b, ask_much, &w));
        }
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    }
    struct st_pool_stats s;
    st_engine_stats(w.e, &s);
    ck_assert_uint_le(s.connects, 5); /* what TLS itself left to be read is no goodbye */
    ck_assert_uint_eq(s.invalidations, 0);
    pg_server_crash(&t.pg);
    CODE(st_engine_ping(w.e, FIBER_FOREVER), ST_E_CONNECTION);
    pg_server_restart(&t.pg);
    OK(st_engine_ping(w.e, FIBER_FOREVER));
    leave(&w);
    close_secure(&t);
}
END_TEST

START_TEST(a_server_that_cannot_prove_it_is_refused)
{
    struct secure t;
    struct world w;
    open_secure(&t);
    const char *plain = pg_server_database(&t.pg); /* 127.0.0.1, which the certificate does not name */
    const char *refused[] = {
        server_printf("%s&sslmode=verify-full&sslrootcert=%s", t.database, in_files(&t, "other.pem")),
        server_printf("%s?sslmode=verify-full&sslrootcert=%s", plain, in_files(&t, "ca.pem")),
    };
    for (int i = 0; i < 2; i++) {
        CODE(try(refused[i], &w), ST_E_CONNECTION);
        const char *reason = i == 0 ? "certificate verify failed" : "does not match host name";
        ck_assert_msg(strstr(diag_last()->message, reason), "%s", diag_last()->message);
        leave(&w);
    }
    OK(try(server_printf("%s?sslmode=verify-ca&sslrootcert=%s", plain, in_files(&t, "ca.pem")), &w));
    leave(&w);
    OK(try(server_printf("%s?sslmode=disable", plain), &w));
    ck_assert_int_eq(number(&w, "SELECT ssl::int::bigint FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), 0);
    leave(&w);
    close_secure(&t);
}
END_TEST

START_TEST(parameters_of_the_url_reach_the_server)
{
    struct world w;
    OK(try(server_printf("%s?application_name=a%%20program&options=-c%%20work_mem%%3D7MB&keepalives_idle=77"
                         "&target_session_attrs=read-write&sslmode=prefer",
                         pg_test_url()),
           &w));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'a program' "
                                "AND pid = pg_backend_pid()"),
                     1);
    ck_assert_int_eq(number(&w, "SELECT (current_setting('work_mem') = '7MB')::int::bigint"), 1);
    leave(&w);
    CODE(try(server_printf("%s?target_session_attrs=standby", pg_test_url()), &w), ST_E_CONNECTION);
    leave(&w);
}
END_TEST

RUN("engine_tls", 60, CASE(a_server_that_proves_its_name_is_talked_to_in_secret),
    CASE(a_server_that_cannot_prove_it_is_refused), CASE(parameters_of_the_url_reach_the_server));
