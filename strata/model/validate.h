/* validate.h: an object against the rules of its descriptor, with patterns compiled once; private to Strata. */
#ifndef STRATA_MODEL_VALIDATE_H
#define STRATA_MODEL_VALIDATE_H

#include "base/str.h"
#include "strata/model.h"

struct pcre2_real_code_8;

/* A pattern that a text must match whole. ST_E_INVALID says what is wrong with it and where. */
st_err st_pattern_compile(const char *pattern, struct pcre2_real_code_8 **ret);
void st_pattern_free(struct pcre2_real_code_8 *code); /* NULL is fine */

/* One member; code is the compiled a->pattern, or NULL when there is none. */
st_err st_validate_attr(const st_model *m, const st_attr *a, const void *obj, const struct pcre2_real_code_8 *code);
/* The same for a text that is there. */
st_err st_validate_text(const st_model *m, const st_attr *a, str s, const struct pcre2_real_code_8 *code);

#endif
