/* json_value.h: one value from JSON, in the C type of its member; private to the model layer. */
#ifndef STRATA_MODEL_JSON_VALUE_H
#define STRATA_MODEL_JSON_VALUE_H

#include "base/json.h"
#include "strata/model/fields.h"

/* in is not null. What *ret points to lives in the arena of f and in the JSON. False: the fault was noted. */
bool st_json_read_value(struct st_faults *f, const st_attr *a, const struct json_value *in, st_value *ret);

#endif
