/* A copy of a SQLite file from before a change of its schema: a revision that fails is undone by itself, but those
 * before it stay, and a migration may do in several transactions what turns out to be a mistake. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "strata/migrate/run.h"

static int take_text(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 1;
}

/* The file, when it is one and has something in it; else NULL. */
static st_err find_file(struct migrate_runner *r)
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    const char *file = NULL;
    struct st_stmt q = {.sql =
                            STR("SELECT file FROM pragma_database_list WHERE name = 'main' AND EXISTS (SELECT 1 FROM "
                                "sqlite_schema)"),
                        .quick = true,
                        .shape = &shape,
                        .arena = r->a,
                        .row = take_text,
                        .arg = &file};
    st_err rc = st_conn_run(r->conn, &q, 1, r->deadline, NULL);
    r->file = file && *file ? file : NULL;
    return rc;
}

static const char *path_of(const struct migrate_runner *r, const struct migrate_node *node)
{
    return arena_printf(r->a, "%s.before-%s", r->file, node->rev->id);
}

/* Under another name until it is whole. The writer's lock is held, so that readers see what the last commit left. */
static st_err copy(struct migrate_runner *r, const char *path)
{
    const char *part = arena_printf(r->a, "%s.part", path);
    st_conn *reader;
    st_err rc = part ? st_conn_acquire(r->e, false, r->deadline, &reader) : diag_nomem();
    if (!rc) {
        rc = st_conn_copy_file(reader, part, r->deadline);
        st_conn_release(reader);
    }
    if (!rc && rename(part, path) != 0) {
        rc = diag_set(-errno, "cannot rename %s to %s: %s", part, path, strerror(errno));
        (void)unlink(part);
    }
    if (rc) {
        diag_wrap(rc, "keeping a copy of the database");
        if (!diag_last()->hint[0] || rc == ST_E_FULL) {
            diag_hint("free space on that disk, or go without a copy: --no-snapshot, or .no_snapshot of the options");
        }
    }
    return rc;
}

st_err migrate_snapshot(struct migrate_runner *r, const struct migrate_journal *j, const struct migrate_node *node)
{
    if (r->looked || r->d != ST_SQLITE || r->o.no_snapshot) {
        return 0;
    }
    assert(st_conn_in_transaction(r->conn));
    r->looked = true;
    st_err rc = find_file(r);
    if (rc || !r->file || !node) {
        return rc;
    }
    const char *path = path_of(r, node);
    if (!path) {
        return diag_nomem();
    }
    if (migrate_journal_under_way(j)) { /* what there is now is half way */
        r->committed = true;
        r->snapshot = access(path, F_OK) == 0 ? path : NULL;
        return 0;
    }
    rc = copy(r, path);
    r->snapshot = rc ? NULL : path;
    return rc;
}

/* Copies that earlier failures left are of no use either once all has worked. */
static void remove_all(struct migrate_runner *r)
{
    for (size_t i = 0; i < r->g->n; i++) {
        const char *path = path_of(r, &r->g->nodes[i]);
        if (path) {
            (void)unlink(path);
        }
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void migrate_snapshot_end(struct migrate_runner *r, st_err rc)
{
    if (r->file && !rc) {
        remove_all(r);
    } else if (r->snapshot && !r->committed) {
        (void)unlink(r->snapshot);
    } else if (r->snapshot && r->file &&
               access(r->snapshot, F_OK) == 0) { /* an upgrade beside it may have removed it */
        struct diag *d = diag_last();
        size_t used = strlen(d->message);
        (void)snprintf(d->message + used, sizeof d->message - used, "; the database as it was before is in %s",
                       r->snapshot);
        if (!d->hint[0]) {
            const char *file = base_name(r->file);
            diag_hint("to go back: stop what uses it, rename %s to %s, and remove %s-wal and %s-shm",
                      base_name(r->snapshot), file, file, file);
        }
    }
}
