/* Why an upgrade failed, kept in the journal for who comes to look later. */
#include <errno.h>

#include "strata/migrate/run.h"

enum { NOTE_MS = 5000 };

static st_err note(struct migrate_runner *r, arena *a, size_t at, const char *error)
{
    struct migrate_journal j;
    int64_t deadline = fiber_in_ms(NOTE_MS);
    FIBER_DEADLINE(deadline); /* another upgrade may have begun */
    st_err rc = r->conn ? 0 : st_conn_acquire(r->e, true, deadline, &r->conn);
    rc = rc ? rc : migrate_begin_locked(r);
    rc = rc ? rc : migrate_journal_read(r->conn, a, deadline, &j);
    rc = rc ? rc : migrate_journal_ready(r->conn, a, &j, deadline);
    const struct migrate_journal_row row = {.revision = r->node->rev->id,
                                            .direction = migrate_direction(r),
                                            .phase = (int32_t)at,
                                            .name = r->plan.phases[at].name,
                                            .hash = r->hashes[at],
                                            .error = error};
    rc = rc ? rc : migrate_journal_fail(r->conn, a, &row, deadline);
    return rc ? rc : st_conn_exec(r->conn, "COMMIT", deadline); /* not a step of the upgrade: the copy may still go */
}

void migrate_note_failure(struct migrate_runner *r, size_t at, st_err rc)
{
    struct diag kept = *diag_last();
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const char *error = a ? arena_printf(a, "%s%s%s", kept.message, kept.hint[0] ? "\n" : "", kept.hint) : NULL;
    bool ended = rc == -ECANCELED || rc == ST_E_CONNECTION || fiber_now() >= fiber_deadline(r->deadline);
    if (error && !ended) {
        migrate_roll_back(r);
        bool open = r->conn && st_conn_in_transaction(r->conn);
        if (!open && note(r, a, at, error)) {
            migrate_roll_back(r);
        }
    }
    *diag_last() = kept;
}
