/* Every allocation, and every call of libpq and sqlite3, failed in turn (torture.h). WAYMARK_TEST_CALLS says how many
 * of each kind and command are; 0: each of them. */
#include "torture.h"

static int run(struct torture *t, const char *args, uint64_t nth, uint64_t *ret_times)
{
    st_engine *e = NULL;
    fault_arm((enum fault)t->kind->how, nth, 1);
    st_err rc = st_engine_open(t->w->url, NULL, &e);
    int status = rc ? torture_not_open(t, rc) : torture_run(t, e, args);
    st_engine_close(e);
    *ret_times = fault_seen();
    fault_disarm();
    return status;
}

static const struct torture_way faults = {"WAYMARK_TEST_CALLS", fault_names, run, fault_where};

START_TEST(every_call_of_sqlite_may_fail)
{
    static const struct torture_kind kinds[] = {
        {FAULT_MEM, {-ENOMEM}},
        {FAULT_NOMEM, {-ENOMEM}},
        {FAULT_IO, {ST_E_SQL, ST_E_FULL}},
        {FAULT_FULL, {ST_E_FULL}},
        {FAULT_CORRUPT, {ST_E_SQL}},
        {FAULT_BUSY, {ST_E_BUSY, ST_E_SERIALIZATION}},
        {FAULT_IO_UNDONE, {ST_E_SQL, ST_E_FULL}},
    };
    torture(ST_SQLITE, &faults, kinds, sizeof kinds / sizeof *kinds, 8, 2);
}
END_TEST

START_TEST(every_call_of_libpq_may_fail)
{
    static const struct torture_kind kinds[] = {
        {FAULT_MEM, {-ENOMEM}},
        {FAULT_NOMEM, {-ENOMEM}},
        {FAULT_NO_RESULT, {-ENOMEM}},
        {FAULT_LOST, {ST_E_CONNECTION}},
    };
    torture(ST_POSTGRESQL, &faults, kinds, sizeof kinds / sizeof *kinds, 6, 2);
}
END_TEST

RUN("migrate_torture", 3000, CASE(every_call_of_sqlite_may_fail), CASE(every_call_of_libpq_may_fail));
