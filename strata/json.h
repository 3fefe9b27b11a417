/* json.h: objects of models as JSON, from the descriptor (to_dict). */
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

DECLS_END

#endif
