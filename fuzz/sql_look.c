/* SQL of a revision's own: its statements, what each does to those who use a table meanwhile, and what lint says. */
#include <stdlib.h>
#include <string.h>

#include "strata/migrate/lint.h"
#include "strata/migrate/sql_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check(arena *a, str one)
{
    struct sql_look k, again;
    must(sql_look(a, one, &k) == 0);
    must(k.hazards < UINT64_C(1) << SQL_HAZARDS && k.n_others <= SQL_OTHERS_MAX);
    must(!k.table || *k.table || one.len > 1);
    must(!k.rewrites || k.lock >= MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE || !k.lock);
    for (size_t i = 0; i < k.n_others; i++) {
        must(k.others[i].lock > MIGRATE_LOCK_NONE && k.others[i].table);
    }
    uint64_t but = ~(UINT64_C(1) << SQL_LONG_NAME); /* a name that is not closed grows */
    /* a comment before it and blanks behind it change nothing */
    const char *more = arena_printf(a, "/* ; /* DROP */ ' */ %.*s \n", STR_FMT(one));
    must(more && sql_look(a, str_of(more), &again) == 0);
    bool plain = strlen(more) == one.len + strlen("/* ; /* DROP */ ' */  \n"); /* it holds no zero byte */
    must(!plain || ((again.hazards & but) == (k.hazards & but) && again.lock == k.lock && again.scans == k.scans &&
                    again.n_others == k.n_others && !again.table == !k.table));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena *a = arena_new(NULL, 0);
    char *text = a ? arena_memdup0(a, data, size) : NULL;
    must(text != NULL);
    str rest = {text, size}, one;
    size_t n = 0;
    for (const char *last = text; sql_statement(&rest, &one); n++) {
        must(n <= size && one.len > 0 && one.p >= last && one.p + one.len <= text + size);
        last = one.p + one.len;
        must(rest.p >= last && rest.p + rest.len == text + size);
        check(a, one);
    }
    st_ops o;
    struct lint_findings f = {0};
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    if (!st_sql(&o, ST_POSTGRESQL, text)) {
        must(lint_operations(a, &o, &f) == 0);
    }
    for (size_t i = 0; i < f.n; i++) {
        must(f.v[i].rule && f.v[i].what);
    }
    arena_free(a);
    return 0;
}
