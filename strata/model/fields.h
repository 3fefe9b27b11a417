/* fields.h: what is wrong with the fields of an object, collected; private to Strata. */
#ifndef STRATA_MODEL_FIELDS_H
#define STRATA_MODEL_FIELDS_H

#include "base/arena.h"
#include "strata/model.h"

struct st_faults {
    arena *a;
    const st_model *m;
    struct st_field_error *v; /* room for ST_FIELD_ERRORS_MAX once there is one */
    size_t n;
    bool more, no_memory;
};

/* Each returns false when there is no room for more: whoever collects may stop. */
bool st_fault(struct st_faults *f, const char *field, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* One member against its rules; compiles its pattern. */
bool st_fault_attr(struct st_faults *f, const st_attr *a, const void *obj);
/* 0 when there is none; else ST_E_INVALID, said of the first, or -ENOMEM. ret may be NULL. */
st_err st_faults_end(const struct st_faults *f, struct st_field_errors *ret);

#endif
