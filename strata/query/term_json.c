/* What lies at a path in JSON. The path is a parameter, never text of the statement. */
#include <string.h>

#include "strata/query/source.h"

enum { PATH_STEPS_MAX = 32, PATH_BYTES_MAX = 4096 };

static bool is_number(const char *step)
{
    size_t n = strspn(step, "0123456789");
    return n > 0 && step[n] == '\0';
}

static bool check_path(struct st_pen *p, const st_term *t)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < t->n && i < PATH_STEPS_MAX; i++) {
        const char *step = t->path[i];
        size_t len = step ? strlen(step) : 0;
        bytes += len + 4;
        bool odd = !step;
        for (size_t k = 0; k < len; k++) {
            odd |= step[k] == '"' || step[k] == '\\' || (unsigned char)step[k] < ' ';
        }
        if (odd) {
            st_fail(p, diag_set(ST_E_INVALID,
                                "step %u of a path into JSON has a quote, a backslash or a control character", i + 1));
            return false;
        }
    }
    if (t->n == 0 || t->n > PATH_STEPS_MAX || bytes > PATH_BYTES_MAX) {
        st_fail(p, diag_set(ST_E_INVALID, "a path into JSON has 1 to %d steps of %d bytes in all", PATH_STEPS_MAX,
                            PATH_BYTES_MAX));
        return false;
    }
    return true;
}

/* text[] for PostgreSQL; $."a"[0] for SQLite. */
static bool path_value(struct st_pen *p, const st_term *t, st_value *ret)
{
    if (st_is_pg(p)) {
        *ret = st_v_texts((st_texts){t->path, t->n});
        return true;
    }
    char *out = arena_bytes(p->scratch, PATH_BYTES_MAX + 2);
    if (!out) {
        st_fail(p, diag_nomem());
        return false;
    }
    size_t at = 1;
    out[0] = '$';
    for (uint32_t i = 0; i < t->n; i++) {
        bool item = is_number(t->path[i]);
        int n =
            snprintf(out + at, PATH_BYTES_MAX + 2 - at, "%s%s%s", item ? "[" : ".\"", t->path[i], item ? "]" : "\"");
        at += n > 0 ? (size_t)n : 0;
    }
    out[at] = '\0';
    *ret = st_v_text(out);
    return true;
}

struct json_form {
    enum st_type type;
    const char *pg, *sqlite;
};
/* C is the column, P the path. */
static const struct json_form forms[] = {
    {ST_TEXT, "((C #>> P) COLLATE \"C\")",
     "CASE json_type(C, P) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(json_extract(C, P) AS TEXT) "
     "END"},
    {ST_INT64,
     "(CASE WHEN jsonb_typeof(C #> P) = 'number' THEN CASE WHEN (C #>> P)::numeric = trunc((C #>> P)::numeric) THEN "
     "(C #>> P)::numeric END END)",
     "CASE json_type(C, P) WHEN 'integer' THEN json_extract(C, P) WHEN 'real' THEN "
     "iif(json_extract(C, P) = CAST(json_extract(C, P) AS INTEGER), CAST(json_extract(C, P) AS INTEGER), NULL) END"},
    {ST_DOUBLE, "(CASE WHEN jsonb_typeof(C #> P) = 'number' THEN (C #>> P)::double precision END)",
     "CASE WHEN json_type(C, P) IN ('integer', 'real') THEN CAST(json_extract(C, P) AS REAL) END"},
    {ST_BOOL, "(CASE WHEN jsonb_typeof(C #> P) = 'boolean' THEN (C #>> P)::boolean END)",
     "CASE json_type(C, P) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"},
};

static void put_form(struct st_pen *p, const char *form, struct st_column_ref c, size_t path)
{
    st_put(p, st_is_pg(p) ? "" : "(");
    for (const char *at = form; *at; at++) {
        bool alone = (at == form || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ\"", at[-1])) &&
                     !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ\"", at[1] ? at[1] : ' ');
        if (alone && *at == 'C') {
            st_put_ref(p, c);
        } else if (alone && *at == 'P') {
            st_put_number(p, path);
        } else {
            st_put(p, (const char[]){*at, '\0'});
        }
    }
    st_put(p, st_is_pg(p) ? "" : ")");
}

void st_put_json(struct st_pen *p, const st_term *t)
{
    struct st_column_ref c;
    st_value path;
    if (!check_path(p, t) || !st_find_column(p, t->model, t->offset, &c) || !path_value(p, t, &path)) {
        return;
    }
    size_t number = st_share_param(p, &path);
    st_shape_byte(p, (unsigned char)t->type);
    for (size_t i = 0; i < sizeof forms / sizeof *forms && p->writing; i++) {
        if (forms[i].type == t->type) {
            put_form(p, st_is_pg(p) ? forms[i].pg : forms[i].sqlite, c, number);
        }
    }
}
