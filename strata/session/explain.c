/* How the database would run a query. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "strata/query/source.h"
#include "strata/session/internal.h"

enum { PLAN_MAX = 1 << 20 };

struct sqlite_line {
    int64_t id, parent, unused;
    const char *detail;
};
static const struct st_field sqlite_fields[] = {
    {.type = ST_INT64, .offset = offsetof(struct sqlite_line, id)},
    {.type = ST_INT64, .offset = offsetof(struct sqlite_line, parent)},
    {.type = ST_INT64, .offset = offsetof(struct sqlite_line, unused)},
    {.type = ST_TEXT, .offset = offsetof(struct sqlite_line, detail)},
};
static const struct st_shape sqlite_shape = {.fields = sqlite_fields, .n = 4, .size = sizeof(struct sqlite_line)};
static const struct st_field pg_field = {.type = ST_TEXT};
static const struct st_shape pg_shape = {.fields = &pg_field, .n = 1, .size = sizeof(const char *)};

static st_err compile(st_session *s, const struct st_read *q, struct st_stmt *ret)
{
    struct st_compiler c = session_compiler(s);
    struct st_reading r = {.q = q, .what = ST_READ_MODEL};
    if (q->fields && q->fields[0].term) {
        st_err rc = st_registry_result(s->reg, q->fields[0].result, &r.result);
        if (rc) {
            return rc;
        }
        r.what = ST_READ_RESULT;
    }
    return st_compile_read(&c, &r, ret);
}

static st_err join_lines(st_session *s, const st_rows *lines, bool pg, const char **ret)
{
    BUF_AUTO buf text;
    buf_init(&text, PLAN_MAX);
    for (size_t i = 0; i < lines->n; i++) {
        const char *line =
            pg ? *(const char *const *)lines->items[i] : ((const struct sqlite_line *)lines->items[i])->detail;
        (void)buf_puts(&text, line);
        (void)buf_put_char(&text, '\n');
    }
    if (text.err == -E2BIG) {
        return diag_set(ST_E_INVALID, "the plan is longer than %d bytes", PLAN_MAX);
    }
    *ret = text.err ? NULL : arena_memdup0(s->arena, text.p, text.len);
    return *ret ? 0 : diag_nomem();
}

static st_err explain(st_session *s, const struct st_read *q, const char **ret)
{
    bool pg = s->reg->dialect == ST_POSTGRESQL;
    struct st_stmt last = {.affected = 0};
    st_err rc = compile(s, q, &last);
    if (rc) {
        return rc;
    }
    char *sql = arena_printf(s->scratch, "%s%s", pg ? "EXPLAIN " : "EXPLAIN QUERY PLAN ", last.sql.p);
    if (!sql) {
        return diag_nomem();
    }
    last.sql = str_of(sql);
    last.id = 0;
    struct plain_rows rows = {.n = 0};
    st_rows lines;
    rc = session_read(s, &last, pg ? &pg_shape : &sqlite_shape, &rows, &lines);
    return rc ? rc : join_lines(s, &lines, pg, ret);
}

const char *st_explain_(st_session *s, const struct st_read *q)
{
    const char *text = NULL;
    if (session_enter(s) == 0) {
        (void)session_leave(s, explain(s, q, &text));
    }
    return text;
}
