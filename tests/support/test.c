#include "test.h"

#include "base/diag.h"
#include "server.h"

const char *test_diag(void)
{
    return diag_last()->message;
}

int test_main(int argc, char **argv, const char *suite, double timeout_s, const struct test_case *cases, size_t n)
{
    Suite *s = suite_create(suite);
    size_t added = 0;
    for (size_t i = 0; i < n; i++) {
        bool wanted = argc < 2;
        for (int j = 1; j < argc; j++) {
            wanted |= strcmp(argv[j], cases[i].name) == 0;
        }
        if (wanted) {
            TCase *tc = tcase_create(cases[i].name);
            tcase_set_timeout(tc, timeout_s);
            tcase_add_test(tc, cases[i].test);
            suite_add_tcase(s, tc);
            added++;
        }
    }
    if (!added) {
        (void)fprintf(stderr, "%s: no test of that name\n", suite);
        return 2;
    }
    if (test_servers_start) {
        test_servers_start();
    }
    SRunner *r = srunner_create(s);
    srunner_set_tap(r, "-");
    srunner_run_all(r, CK_SILENT);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    if (test_servers_stop) {
        test_servers_stop();
    }
    return failed != 0;
}
