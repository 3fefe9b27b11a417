#include <arpa/inet.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nginx.h"
#include "pg.h"
#include "pgbouncer.h"
#include "test.h"

START_TEST(each_call_gives_another_empty_database)
{
    const char *a = pg_test_url(), *b = pg_test_url();
    ck_assert_str_ne(a, b);
    pg_test_exec(a, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
    ck_assert_str_eq(pg_test_value(a, "SELECT count(*) FROM t"), "1");
    ck_assert_str_eq(pg_test_value(b, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}
END_TEST

START_TEST(the_app_role_writes_but_owns_nothing_and_policies_hold_for_it)
{
    const char *owner = pg_test_url(), *app = pg_test_url_as(owner, PG_APP);
    pg_test_exec(owner, "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2);"
                        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (n = 2)");
    ck_assert_str_eq(pg_test_value(app, "SELECT count(*) FROM t"), "1");
    ck_assert_str_eq(pg_test_value(app, "UPDATE t SET n = 2 RETURNING n"), "2");
    ck_assert_str_eq(pg_test_value(app, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"),
                     "f");
    ck_assert_str_eq(pg_test_value(owner, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "f");
    ck_assert_str_eq(pg_test_value(pg_test_url_as(owner, PG_ADMIN), "SELECT rolsuper FROM pg_roles WHERE rolname = "
                                                                    "current_user"),
                     "t");
}
END_TEST

START_TEST(a_crashed_server_comes_back_with_its_data)
{
    struct pg_server s;
    pg_server_start(&s, true, "max_connections = 10");
    const char *url = pg_server_database(&s);
    pg_test_exec(url, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
    pg_server_crash(&s);
    ck_assert(!server_accepts(s.server.port));
    pg_server_restart(&s);
    ck_assert_str_eq(pg_test_value(url, "SELECT n FROM t"), "7");
    ck_assert_str_eq(pg_test_value(url, "SHOW fsync"), "on");
    ck_assert_str_eq(pg_test_value(url, "SHOW max_connections"), "10");
    pg_server_stop(&s);
    ck_assert_int_ne(access(s.server.dir, F_OK), 0);
}
END_TEST

START_TEST(a_server_ends_with_the_process_that_started_it_even_when_killed)
{
    int fds[2];
    struct nginx n = {0};
    OK(pipe(fds));
    pid_t pid = fork();
    if (pid == 0) {
        nginx_start(&n, NULL);
        _exit(write(fds[1], &n, sizeof n) == sizeof n && pause() == 0);
    }
    ck_assert_int_eq(read(fds[0], &n, sizeof n), sizeof n);
    ck_assert(server_accepts(n.server.port));
    OK(kill(pid, SIGKILL));
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    for (int i = 0; i < 1000 && access(n.server.dir, F_OK) == 0; i++) {
        (void)usleep(10000);
    }
    ck_assert_int_ne(access(n.server.dir, F_OK), 0);
    ck_assert(!server_accepts(n.server.port));
}
END_TEST

START_TEST(pgbouncer_hands_a_transaction_to_whichever_connection_is_free)
{
    const char *url = pg_test_url();
    struct pgbouncer b;
    pgbouncer_start(&b, url);
    PGconn *one = PQconnectdb(pgbouncer_url(&b, url)), *two = PQconnectdb(pgbouncer_url(&b, url));
    ck_assert_msg(PQstatus(one) == CONNECTION_OK, "%s", PQerrorMessage(one));
    PGresult *a = PQexec(one, "SELECT pg_backend_pid()"), *c = PQexec(two, "SELECT pg_backend_pid()");
    ck_assert_str_eq(PQgetvalue(a, 0, 0), PQgetvalue(c, 0, 0));
    PQclear(a);
    PQclear(c);
    PQfinish(one);
    PQfinish(two);
    pgbouncer_stop(&b);
}
END_TEST

static void get(int port, const char *path, char *ret, size_t room)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    OK(connect(fd, (struct sockaddr *)&at, sizeof at));
    ck_assert_int_gt(dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", path), 0);
    size_t len = 0;
    for (ssize_t n; len + 1 < room && (n = read(fd, ret + len, room - len - 1)) > 0;) {
        len += (size_t)n;
    }
    ret[len] = '\0';
    OK(close(fd));
}

START_TEST(nginx_serves_files_with_the_configuration_given)
{
    struct nginx n = {0};
    nginx_init(&n);
    nginx_put(&n, "a/b/c.txt", "hello", 5);
    nginx_start(&n, "location /old { return 301 http://127.0.0.1:%PORT%/a/b/c.txt; }");
    char answer[2000], want[100];
    get(n.server.port, "/old", answer, sizeof answer);
    (void)snprintf(want, sizeof want, "\r\nLocation: %s/a/b/c.txt\r\n", n.url);
    ck_assert_msg(strstr(answer, want) != NULL, "%s", answer);
    get(n.server.port, "/a/b/c.txt", answer, sizeof answer);
    ck_assert_msg(strstr(answer, "\r\n\r\nhello") != NULL, "%s", answer);
    nginx_stop(&n);
}
END_TEST

RUN("support_servers", 60, CASE(each_call_gives_another_empty_database),
    CASE(the_app_role_writes_but_owns_nothing_and_policies_hold_for_it),
    CASE(a_crashed_server_comes_back_with_its_data),
    CASE(a_server_ends_with_the_process_that_started_it_even_when_killed),
    CASE(pgbouncer_hands_a_transaction_to_whichever_connection_is_free),
    CASE(nginx_serves_files_with_the_configuration_given));
