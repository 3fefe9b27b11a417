/* json.h: objects of models as JSON and from it, by their descriptor. */
#ifndef STRATA_JSON_H
#define STRATA_JSON_H

#include "base/decls.h"
#include "base/json.h"
#include "strata/model.h"

DECLS_BEGIN

/* Writes obj as one object: every column that is not hidden, by member name; fields, when not NULL, selects
 * (NULL-terminated). A relation that is loaded is written when fields names it: "jobs" with all columns of each,
 * "jobs.state" and "jobs.files.url" with those; one that is not loaded is left out. Times as RFC 3339, uuids and enums
 * as text, bytes as base64, json embedded as it is. */
void st_to_json(struct json_writer *w, const st_model *m, const void *obj, const char *const *fields);

/* Into an object of a model, from what a client sent (base/json.h reads it):
 *
 *     const struct json_value *in;
 *     struct st_field_errors errors;
 *     Job job = {.domain_id = id};                                       // what the program sets itself
 *     rc = json_parse(a, body, &in, NULL);
 *     rc = rc ? rc : st_from_json(a, Job, in, ST_JSON_CREATE, NULL, &job, &errors);
 *     ... st_add_(s, &Job_model, &job), or with ST_JSON_PATCH into what st_edit returned
 *
 * A client may set every column but hidden and .read_only ones, the tenant, the version, the session's timestamps, and
 * the key: of a new object the key may be set unless the session gives it (a single uuid). fields, when not NULL, are
 * the only members it may set (NULL-terminated). Anything else in the JSON is an error, and so is a value of another
 * type or one that breaks a rule of the descriptor (st_validate).
 *
 * ST_JSON_CREATE: members that are neither nullable nor arrays must be there, unless their default is a plain value,
 * which is then taken, or the session makes one (.client_default). ST_JSON_PATCH: only what is there changes; null is
 * for what may be null.
 *
 * Types as st_to_json writes them; a number like 3.0 is a whole one. What the object then points to lives in a and in
 * the JSON's values. All wrong fields are in *ret (NULL is fine), which is set with 0 and ST_E_INVALID and lives in a;
 * obj is changed only when there is none. */
enum st_json_mode { ST_JSON_CREATE = 1, ST_JSON_PATCH };
#define st_from_json(a, T_, in, mode, fields, obj, ret) \
    st_from_json_((a), &T_##_model, (in), (mode), (fields), ((T_ *){(obj)}), (ret))
st_err st_from_json_(arena *a, const st_model *m, const struct json_value *in, enum st_json_mode mode,
                     const char *const *fields, void *obj, struct st_field_errors *ret);
/* [{"field": "name", "code": "too_long", "message": "has 12 characters; at most 10 are allowed"}], for problem+json. */
void st_errors_to_json(struct json_writer *w, const struct st_field_errors *e);

DECLS_END

#endif
