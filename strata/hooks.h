/* hooks.h: where a program listens to what sessions write: for all of an engine, or for one session.
 *
 * Given as .hooks of st_engine_options or st_session_options; they must outlive the engine or the session. Those of the
 * engine come first. Each function may be NULL, gets arg, and must not suspend the fiber.
 *
 * before_flush is called once for each object with work pending, before anything is checked or sent. It may change that
 * object and others (st_edit), add and delete; what it makes pending comes to the hooks in the same flush. It must not
 * ask the database: anything that would is ST_E_INVALID. A negative code, or a call in it that failed, ends the flush
 * and fails the session with that code and diagnosis.
 *
 * before_commit may do anything but commit, roll back and close: queries, flushes, adding. A negative code fails the
 * session, and nothing is committed. It is not called when there is nothing to commit.
 *
 * The others are told of what has happened, when the call that did it is over; the session is free for any use, but
 * for being closed. What they do with it is not told to them again, though before_flush and before_commit hear of it.
 *
 * Writes past the identity map (bulk, by criteria, raw) are not pending work: no hook but those of the transaction. */
#ifndef STRATA_HOOKS_H
#define STRATA_HOOKS_H

#include "base/decls.h"
#include "strata/model.h"

DECLS_BEGIN

struct st_session;
enum st_change { ST_INSERT = 1, ST_UPDATE, ST_DELETE };

struct st_hooks {
    /* An object that was added is shown with its key, tenant and timestamps; an edited one only when it differs. */
    st_err (*before_flush)(void *arg, struct st_session *s, enum st_change what, const st_model *m, const void *obj);
    /* n objects were written; behind the COMMIT when that came along. */
    void (*after_flush)(void *arg, struct st_session *s, size_t n);
    st_err (*before_commit)(void *arg, struct st_session *s);
    void (*after_commit)(void *arg, struct st_session *s); /* the database has said that it is committed */
    /* By st_rollback (not to a savepoint), and by st_session_close when added, edited or deleted objects were not
     * committed; in the latter the session refuses every call. */
    void (*after_rollback)(void *arg, struct st_session *s);
    void *arg;
};

DECLS_END

#endif
