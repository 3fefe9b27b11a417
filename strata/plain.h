/* plain.h: sessions for callers without a C compiler: foreign function interfaces such as Python's ctypes.
 *
 * What Strata does with macros or structs, by functions of pointers, numbers and text; whatever takes no more than that
 * (st_engine_open, st_commit, ...) is called as it is. Models come from C: a small library of their own. Pointers into
 * a session live as long as what it loads. */
#ifndef STRATA_PLAIN_H
#define STRATA_PLAIN_H

#include "base/decls.h"
#include "strata/session.h"

DECLS_BEGIN

/* What went wrong last, as a sentence; never NULL. */
const char *st_plain_error(void);
/* tenant: a uuid as text, or NULL for models without a tenant. NULL on failure; close it with st_session_close. */
st_session *st_plain_session(st_engine *e, const char *tenant, bool read_only);
/* By a primary key that is a uuid, as text. NULL when there is no such row, or with st_session_error(s). */
const void *st_plain_get(st_session *s, const st_model *m, const char *id);
/* All rows (where NULL), or those that match; at most limit unless 0, in the order of the primary key then. */
st_err st_plain_select(st_session *s, const st_model *m, const st_expr *where, uint64_t limit, const void *const **ret,
                       size_t *ret_n);
/* The object as JSON text that lives as long as it; NULL when memory is out. */
const char *st_plain_json(st_session *s, const st_model *m, const void *obj);

DECLS_END

#endif
