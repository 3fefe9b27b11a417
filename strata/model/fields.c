#include "strata/model/fields.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "strata/json.h"
#include "strata/model/validate.h"

bool st_fault(struct st_faults *f, const char *field, const char *code, const char *fmt, ...)
{
    if (f->n == ST_FIELD_ERRORS_MAX || f->no_memory) {
        f->more = true;
        return false;
    }
    f->v = f->v ? f->v : ARENA_ARRAY(f->a, struct st_field_error, ST_FIELD_ERRORS_MAX);
    va_list ap;
    va_start(ap, fmt);
    struct st_field_error e = {.field = arena_strdup(f->a, field), .code = code};
    e.message = arena_vprintf(f->a, fmt, ap);
    va_end(ap);
    if (!f->v || !e.field || !e.message) {
        f->no_memory = true;
        return false;
    }
    f->v[f->n++] = e;
    return true;
}

/* The rules say what is wrong in a diagnosis: "Model.field has ...", the rule's code beside it. */
bool st_fault_attr(struct st_faults *f, const st_attr *a, const void *obj)
{
    struct pcre2_real_code_8 *pattern = NULL;
    st_err rc = a->pattern ? st_pattern_compile(a->pattern, &pattern) : 0;
    rc = rc ? rc : st_validate_attr(f->m, a, obj, pattern);
    st_pattern_free(pattern);
    if (rc == -ENOMEM) {
        f->no_memory = true;
    }
    if (rc != ST_E_INVALID) {
        return !rc;
    }
    const struct diag *d = diag_last();
    size_t prefix = strlen(f->m->name) + strlen(a->name) + 2;
    assert(strlen(d->message) > prefix);
    const char *code = arena_strdup(f->a, d->constraint);
    if (!code) {
        f->no_memory = true;
        return false;
    }
    return st_fault(f, a->name, code, "%s", d->message + prefix);
}

st_err st_faults_end(const struct st_faults *f, struct st_field_errors *ret)
{
    if (f->no_memory) {
        return diag_nomem();
    }
    if (ret) {
        *ret = (struct st_field_errors){.v = f->v, .n = f->n, .more = f->more};
    }
    if (f->n == 0) {
        return 0;
    }
    const struct st_field_error *e = &f->v[0];
    st_err rc = diag_set(ST_E_INVALID, "%s%s%.64s %s", f->m->name, e->field[0] ? "." : "", e->field, e->message);
    struct diag *d = diag_last();
    if (f->n > 1) {
        diag_hint("%zu%s fields are wrong", f->n, f->more ? " or more" : "");
    }
    (void)snprintf(d->table, sizeof d->table, "%s", f->m->table ? f->m->table : "");
    (void)snprintf(d->column, sizeof d->column, "%s", e->field);
    (void)snprintf(d->constraint, sizeof d->constraint, "%s", e->code);
    return rc;
}

st_err st_validate_all(const st_model *m, const void *obj, arena *a, struct st_field_errors *ret)
{
    struct st_faults f = {.a = a, .m = m};
    for (size_t i = 0; i < m->n_attrs; i++) {
        if (m->attrs[i].kind == ST_A_COLUMN) {
            (void)st_fault_attr(&f, &m->attrs[i], obj);
        }
    }
    return st_faults_end(&f, ret);
}

void st_errors_to_json(struct json_writer *w, const struct st_field_errors *e)
{
    json_array(w);
    for (size_t i = 0; i < e->n; i++) {
        json_object(w);
        json_key(w, "field");
        json_cstring(w, e->v[i].field);
        json_key(w, "code");
        json_cstring(w, e->v[i].code);
        json_key(w, "message");
        json_cstring(w, e->v[i].message);
        json_end(w);
    }
    json_end(w);
}
