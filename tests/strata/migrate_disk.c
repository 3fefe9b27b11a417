/* A disk that fills up while SQLite is upgraded, its file copied and its tables rebuilt. The upgrade ends with an error
 * that says so, and with room again the next one does all of it. */
#include <dirent.h>

#include "disk.h"
#include "small.h"
#include "strata/migrate.h"

static unsigned parts(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        n += strstr(x->d_name, ".part") != NULL;
    }
    (void)closedir(d);
    return n;
}

START_TEST(a_full_disk_ends_an_upgrade_and_the_next_one_does_it)
{
    struct world w;
    disk_open();
    world_open(&w, ST_SQLITE, NULL);
    OK(st_upgrade(w.e, &small_history, "head", FIBER_FOREVER));
    const char *top = small_hash(&w), *rows = small_facts(&w, true);
    OK(st_downgrade(w.e, &small_history, "n0", FIBER_FOREVER));
    unsigned failed = 0;
    for (uint64_t n = 1;; n += 3) {
        disk_fail_at(DISK_FULL, n);
        st_err rc = st_upgrade(w.e, &small_history, "head", FIBER_FOREVER);
        bool reached = disk_seen() >= n;
        disk_fail_at(DISK_FULL, 0);
        if (rc) {
            ck_assert_msg(rc == ST_E_FULL || rc == ST_E_SQL, "write %d: %d: %s", (int)n, rc, test_diag());
            ck_assert_msg(!parts(w.dir), "write %d: half a copy is left", (int)n);
            failed++;
            world_reopen(&w, w.url, NULL);
            OK(st_upgrade(w.e, &small_history, "head", FIBER_FOREVER));
        }
        ck_assert_str_eq(small_hash(&w), top);
        ck_assert_str_eq(small_facts(&w, true), rows);
        OK(st_downgrade(w.e, &small_history, "n0", FIBER_FOREVER));
        if (!reached) {
            break;
        }
    }
    ck_assert_uint_gt(failed, 5);
    world_close(&w);
}
END_TEST

RUN("migrate_disk", 120, CASE(a_full_disk_ends_an_upgrade_and_the_next_one_does_it));
