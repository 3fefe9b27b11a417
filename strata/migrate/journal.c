/* The table strata_journal: how far the revision under way has come. */
#include <errno.h>

#include "strata/migrate/run.h"

static const st_table journal_table = {
    .name = "strata_journal",
    ST_COLUMNS({"revision", ST_TEXT, .pk = true, .max = ST_NAME_MAX}, {"direction", ST_TEXT, .pk = true, .max = 4},
               {"phase", ST_INT32, .pk = true}, {"name", ST_TEXT}, {"hash", ST_TEXT}, {"state", ST_TEXT},
               {"error", ST_TEXT, .nullable = true}, {"cursor", ST_TEXT, .nullable = true},
               {"rows", ST_INT64, .default_sql = "0"}, {"total", ST_INT64, .default_sql = "-1"},
               {"unfilled", ST_INT64, .default_sql = "0"}, {"started_at", ST_TIME, .default_sql = "now()"},
               {"updated_at", ST_TIME, .default_sql = "now()"}),
};

st_err migrate_journal_read(st_conn *c, arena *a, int64_t deadline, struct migrate_journal *ret)
{
#define AT(member) offsetof(struct migrate_journal_row, member)
    static const struct st_field fields[] = {
        {.type = ST_TEXT, .offset = AT(revision)},
        {.type = ST_TEXT, .offset = AT(direction)},
        {.type = ST_INT32, .offset = AT(phase)},
        {.type = ST_TEXT, .offset = AT(name)},
        {.type = ST_TEXT, .offset = AT(hash)},
        {.type = ST_TEXT, .offset = AT(state)},
        {.type = ST_TEXT, .nullable = true, .offset = AT(error)},
        {.type = ST_TEXT, .nullable = true, .offset = AT(cursor)},
        {.type = ST_INT64, .offset = AT(rows)},
        {.type = ST_INT64, .offset = AT(total)},
        {.type = ST_INT64, .offset = AT(unfilled)},
        {.type = ST_TIME, .offset = AT(started_at)},
        {.type = ST_TIME, .offset = AT(updated_at)},
    };
#undef AT
    static const struct st_shape shape = {fields, sizeof fields / sizeof *fields, sizeof(struct migrate_journal_row),
                                          0};
    *ret = (struct migrate_journal){0};
    st_err rc = migrate_table_exists(c, a, "strata_journal", deadline, &ret->table_exists);
    rc = rc || !ret->table_exists ? rc
                                  : migrate_column_exists(c, a, "strata_journal", "error", deadline, &ret->has_error);
    if (rc || !ret->table_exists) {
        return rc;
    }
    struct migrate_rows k = {a, &ret->rows, &ret->n, &ret->room, sizeof *ret->rows};
    const char *sql = arena_printf(a,
                                   "SELECT \"revision\", \"direction\", \"phase\", \"name\", \"hash\", \"state\", %s, "
                                   "\"cursor\", \"rows\", \"total\", \"unfilled\", \"started_at\", \"updated_at\" "
                                   "FROM \"strata_journal\" ORDER BY 1, 2, 3",
                                   ret->has_error ? "\"error\"" : "CAST(NULL AS text)");
    if (!sql) {
        return diag_nomem();
    }
    struct st_stmt q = {
        .sql = str_of(sql), .quick = true, .shape = &shape, .arena = a, .row = migrate_take_row, .arg = &k};
    return st_conn_run(c, &q, 1, deadline, NULL);
}

const struct migrate_journal_row *migrate_journal_find(const struct migrate_journal *j, const char *revision,
                                                       const char *direction, size_t phase)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct migrate_journal_row *row = &j->rows[i];
        if (strcmp(row->revision, revision) == 0 && strcmp(row->direction, direction) == 0 &&
            row->phase == (int32_t)phase) {
            return row;
        }
    }
    return NULL;
}

bool migrate_journal_done(const struct migrate_journal_row *row)
{
    return row && strcmp(row->state, "done") == 0;
}

bool migrate_journal_failed(const struct migrate_journal_row *row)
{
    return row && strcmp(row->state, "failed") == 0;
}

const struct migrate_journal_row *migrate_journal_under_way(const struct migrate_journal *j)
{
    for (size_t i = j->n; i-- > 0;) {
        if (!migrate_journal_failed(&j->rows[i])) {
            return &j->rows[i];
        }
    }
    return NULL;
}

static st_err run_text(st_conn *c, arena *a, buf *b, int64_t deadline)
{
    st_err rc = b->err;
    const char *sql = migrate_text(a, b);
    buf_release(b);
    return sql            ? st_conn_exec(c, sql, deadline)
           : rc == -E2BIG ? diag_set(rc, "a row of strata_journal is too long")
                          : diag_nomem();
}

st_err migrate_journal_ready(st_conn *c, arena *a, const struct migrate_journal *j, int64_t deadline)
{
    if (j->has_error) {
        return 0;
    }
    buf b;
    buf_init(&b, ST_DDL_MAX);
    enum st_dialect d = st_conn_dialect(c);
    st_err rc = j->table_exists ? ddl_add_column(&b, d, journal_table.name, migrate_column(&journal_table, "error"), a)
                                : ddl_create_table(&b, d, &journal_table, NULL, a);
    if (rc) {
        buf_release(&b);
        return rc;
    }
    return run_text(c, a, &b, deadline);
}

st_err migrate_journal_create(buf *b, enum st_dialect d, arena *a)
{
    return ddl_create_table(b, d, &journal_table, NULL, a);
}

void migrate_journal_put_text(buf *b, const struct migrate_journal_row *row)
{
    buf_puts(b,
             "INSERT INTO \"strata_journal\" (\"revision\", \"direction\", \"phase\", \"name\", \"hash\", \"state\", "
             "\"rows\", \"total\", \"unfilled\", \"cursor\") VALUES (");
    const char *const texts[] = {row->revision, row->direction, NULL, row->name, row->hash, row->state};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_puts(b, i ? ", " : "");
        if (texts[i]) {
            ddl_string(b, texts[i]);
        } else {
            buf_put_i64(b, row->phase);
        }
    }
    buf_printf(b, ", %lld, %lld, %lld, ", (long long)row->rows, (long long)row->total, (long long)row->unfilled);
    if (row->cursor) {
        ddl_string(b, row->cursor);
    } else {
        buf_puts(b, "NULL");
    }
    buf_puts(b, ") ON CONFLICT (\"revision\", \"direction\", \"phase\") DO UPDATE SET \"name\" = excluded.\"name\", "
                "\"hash\" = excluded.\"hash\", \"state\" = excluded.\"state\", \"error\" = NULL, \"rows\" = "
                "excluded.\"rows\", \"total\" = "
                "excluded.\"total\", \"unfilled\" = excluded.\"unfilled\", \"cursor\" = excluded.\"cursor\", "
                "\"updated_at\" = excluded.\"updated_at\"");
}

st_err migrate_journal_put(st_conn *c, arena *a, const struct migrate_journal_row *row, int64_t deadline)
{
    buf b;
    buf_init(&b, ST_DDL_MAX);
    migrate_journal_put_text(&b, row);
    return run_text(c, a, &b, deadline);
}

void migrate_journal_clear_text(buf *b, const char *revision)
{
    buf_puts(b, "DELETE FROM \"strata_journal\" WHERE \"state\" = 'failed' OR \"revision\" = ");
    ddl_string(b, revision);
}

st_err migrate_journal_clear(st_conn *c, arena *a, const char *revision, int64_t deadline)
{
    buf b;
    buf_init(&b, ST_DDL_MAX);
    migrate_journal_clear_text(&b, revision);
    return run_text(c, a, &b, deadline);
}

/* A server's message may hold what a column may not. */
static void put_message(buf *b, const char *message)
{
    buf text BUF_AUTO;
    buf_init(&text, sizeof(struct diag));
    for (const char *s = message; *s; s++) {
        buf_put_char(&text, (uint8_t)*s < 0x20 && *s != '\n' ? ' ' : *s);
    }
    b->err = text.err ? text.err : b->err;
    ddl_string(b, text.len ? text.p : "");
}

st_err migrate_journal_fail(st_conn *c, arena *a, const struct migrate_journal_row *row, int64_t deadline)
{
    buf b;
    buf_init(&b, ST_DDL_MAX);
    buf_puts(&b, "DELETE FROM \"strata_journal\" WHERE \"state\" = 'failed'; INSERT INTO \"strata_journal\" "
                 "(\"revision\", \"direction\", \"phase\", \"name\", \"hash\", \"state\", \"error\") VALUES (");
    ddl_string(&b, row->revision);
    buf_puts(&b, ", ");
    ddl_string(&b, row->direction);
    buf_printf(&b, ", %d, ", (int)row->phase);
    ddl_string(&b, row->name);
    buf_puts(&b, ", ");
    ddl_string(&b, row->hash);
    buf_puts(&b, ", 'failed', ");
    put_message(&b, row->error);
    buf_puts(&b, ") ON CONFLICT (\"revision\", \"direction\", \"phase\") DO UPDATE SET \"error\" = excluded.\"error\", "
                 "\"updated_at\" = excluded.\"updated_at\" WHERE \"strata_journal\".\"state\" <> 'done'");
    return run_text(c, a, &b, deadline);
}
