/* Triggers: one on PostgreSQL, with a function of its name; one an event on SQLite, which knows no INSERT OR UPDATE. */
#include <assert.h>

#include "strata/migrate/private.h"

static void events_of(const st_table_trigger *t, bool *before, struct migrate_event events[static ST_EVENTS_MAX],
                      size_t *n)
{
    bool ok = migrate_trigger_events(t->when, before, events, n);
    assert(ok); /* copies have been looked at */
    (void)ok;
}

static void event(buf *b, const struct migrate_event *e)
{
    buf_puts(b, e->word);
    if (e->of.len) {
        buf_puts(b, " OF ");
        buf_put_str(b, e->of);
    }
}

static void name_of(const st_table_trigger *t, const struct migrate_event *events, size_t n, size_t at,
                    char ret[static ST_NAME_MAX + 1])
{
    static const char *const tails[] = {"_insert", "_update", "_delete"};
    const char *tail = "";
    for (size_t i = 0; n > 1 && i < sizeof tails / sizeof *tails; i++) {
        tail = ascii_lower(events[at].word[0]) == tails[i][1] ? tails[i] : tail;
    }
    (void)snprintf(ret, ST_NAME_MAX + 1, "%s%s", t->name, tail);
}

static void sqlite_name(buf *b, const st_table_trigger *t, const struct migrate_event *events, size_t n, size_t at)
{
    char name[ST_NAME_MAX + 1];
    name_of(t, events, n, at, name);
    ddl_ident(b, name);
}

bool ddl_is_trigger(enum st_dialect d, const st_table_trigger *t, const char *name)
{
    struct migrate_event events[ST_EVENTS_MAX];
    char own[ST_NAME_MAX + 1];
    size_t n;
    bool before;
    if (d == ST_POSTGRESQL || !t->sqlite) {
        return d == ST_POSTGRESQL && t->postgresql && strcmp(t->name, name) == 0;
    }
    events_of(t, &before, events, &n);
    for (size_t i = 0; i < n; i++) {
        name_of(t, events, n, i, own);
        if (str_eq_nocase(str_of(own), str_of(name))) {
            return true;
        }
    }
    return false;
}

static void create_on_sqlite(buf *b, const char *table, const st_table_trigger *t, size_t at)
{
    struct migrate_event events[ST_EVENTS_MAX];
    size_t n;
    bool before;
    events_of(t, &before, events, &n);
    assert(at < n && t->sqlite);
    buf_puts(b, "CREATE TRIGGER ");
    sqlite_name(b, t, events, n, at);
    buf_puts(b, before ? " BEFORE " : " AFTER ");
    event(b, &events[at]);
    buf_puts(b, " ON ");
    ddl_ident(b, table);
    buf_puts(b, " FOR EACH ROW");
    if (t->condition) {
        buf_printf(b, " WHEN %s", t->condition);
    }
    str body = str_trim(str_of(t->sqlite));
    buf_puts(b, " BEGIN\n");
    buf_put_str(b, body);
    buf_puts(b, str_ends(body, STR(";")) ? "\nEND" : ";\nEND");
}

/* OR REPLACE: dropping a table leaves the functions of its triggers. */
static void create_on_postgresql(buf *b, const char *table, const st_table_trigger *t)
{
    struct migrate_event events[ST_EVENTS_MAX];
    size_t n;
    bool before;
    events_of(t, &before, events, &n);
    assert(t->postgresql);
    buf_puts(b, "CREATE OR REPLACE FUNCTION ");
    ddl_ident(b, t->name);
    str body = str_trim(str_of(t->postgresql));
    buf_puts(b, "() RETURNS trigger LANGUAGE plpgsql AS $strata$\nBEGIN\n");
    buf_put_str(b, body);
    buf_puts(b, str_ends(body, STR(";")) ? "\nEND $strata$; " : ";\nEND $strata$; ");
    buf_puts(b, "CREATE TRIGGER ");
    ddl_ident(b, t->name);
    buf_puts(b, before ? " BEFORE " : " AFTER ");
    for (size_t i = 0; i < n; i++) {
        buf_puts(b, i ? " OR " : "");
        event(b, &events[i]);
    }
    buf_puts(b, " ON ");
    ddl_ident(b, table);
    buf_puts(b, " FOR EACH ROW");
    if (t->condition) {
        buf_printf(b, " WHEN (%s)", t->condition);
    }
    buf_puts(b, " EXECUTE FUNCTION ");
    ddl_ident(b, t->name);
    buf_puts(b, "()");
}

void ddl_create_trigger(buf *b, enum st_dialect d, const char *table, const st_table_trigger *t, size_t at)
{
    if (d == ST_SQLITE) {
        create_on_sqlite(b, table, t, at);
    } else {
        create_on_postgresql(b, table, t);
    }
}

void ddl_drop_trigger(buf *b, enum st_dialect d, const char *table, const st_table_trigger *t, size_t at)
{
    buf_puts(b, "DROP TRIGGER ");
    if (d == ST_SQLITE) {
        struct migrate_event events[ST_EVENTS_MAX];
        size_t n;
        bool before;
        events_of(t, &before, events, &n);
        sqlite_name(b, t, events, n, at);
        return;
    }
    ddl_ident(b, t->name);
    buf_puts(b, " ON ");
    ddl_ident(b, table);
    buf_puts(b, "; DROP FUNCTION ");
    ddl_ident(b, t->name);
    buf_puts(b, "()");
}
