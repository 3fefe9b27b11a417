/* Revisions as a script for sqlite3: what a database in memory is told. Its rows count for nothing, so no foreign key
 * is enforced there, and what depends on rows is only said to the real one. */
#include "strata/migrate/offline.h"

static st_err checked(const struct offline_script *k)
{
    return k->text.err ? diag_nomem() : 0;
}

static void put(struct offline_script *k, const char *text)
{
    if (!k->quiet) {
        buf_puts(&k->text, text);
    }
}

/* ---- what must hold ---- */

/* SQLite has no block that fails; a CHECK in a table of the connection's own does, and its name is the message. */
static void must_hold(struct offline_script *k, const char *message, const char *question)
{
    buf *b = &k->text;
    if (k->quiet) {
        return;
    }
    put(k, "CREATE TEMP TABLE \"strata_must\" (\"hold\" CONSTRAINT ");
    ddl_ident(b, message);
    buf_printf(b,
               " CHECK (\"hold\"));\nINSERT INTO temp.\"strata_must\" SELECT %s;\nDROP TABLE temp.\"strata_must\";\n",
               question);
}

/* What a query finds is printed, and ends the script. */
static void put_refusal(struct offline_script *k, const struct migrate_step *s)
{
    buf question BUF_AUTO;
    buf_init(&question, ST_DDL_MAX);
    buf_printf(&question, "(%s) IS NULL", s->sql);
    if (k->quiet) {
        return;
    }
    put(k, "SELECT ");
    ddl_string(&k->text, s->refuse);
    buf_printf(&k->text, " || \"found\" FROM (SELECT (%s) AS \"found\") WHERE \"found\" IS NOT NULL;\n", s->sql);
    must_hold(k, s->refuse, question.p);
    k->text.err = k->text.err ? k->text.err : question.err;
}

static st_err put_guard(struct offline_script *k)
{
    buf heads BUF_AUTO, question BUF_AUTO, message BUF_AUTO;
    buf_init(&heads, 1 << 20);
    buf_init(&question, 1 << 21);
    buf_init(&message, 1 << 21);
    size_t n = offline_heads(k, &heads);
    buf_printf(&message, "this script goes on from %s, and the database is not there", n ? heads.p : "base");
    buf_printf(&question,
               "(SELECT count(*) FROM \"strata_revisions\") = %zu AND (SELECT count(*) FROM \"strata_revisions\" "
               "WHERE \"id\" IN (%s)) = %zu",
               offline_count(k), heads.p, n);
    must_hold(k, message.p, question.p);
    must_hold(k, "a revision is under way, which must be finished first",
              "NOT EXISTS (SELECT 1 FROM \"strata_journal\" WHERE \"state\" <> 'failed')");
    return heads.err || question.err || message.err ? diag_nomem() : 0;
}

/* ---- steps ---- */

/* Said to both. */
static st_err tell(struct offline_script *k, st_conn *c, const char *sql)
{
    offline_put(k, sql);
    return st_conn_exec(c, sql, FIBER_FOREVER);
}

static st_err rebuild(struct offline_script *k, st_conn *c, const struct migrate_step *s)
{
    const char *const *v;
    size_t n;
    st_err rc = migrate_rebuild_statements(c, k->a, s, FIBER_FOREVER, &v, &n);
    for (size_t i = 0; !rc && i < n; i++) {
        offline_put(k, v[i]);
    }
    return rc ? rc : migrate_rebuild(c, k->a, s, FIBER_FOREVER);
}

static st_err fill(struct offline_script *k, st_conn *c, const st_backfill *f)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    migrate_backfill_text(&b, ST_SQLITE, f);
    if (b.err) {
        return diag_nomem();
    }
    offline_remark(k, "one statement here, batches when the program runs it: table ", f->table);
    st_err rc = tell(k, c, b.p);
    if (f->left && !k->quiet) {
        buf_clear(&b);
        buf_puts(&b, "SELECT count(*) || ' rows could not be filled' FROM ");
        ddl_ident(&b, f->table);
        buf_printf(&b, " WHERE %s HAVING count(*) > 0", f->left);
        offline_put(k, b.p);
    }
    return rc || !b.err ? rc : diag_nomem();
}

static int take_text(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 1;
}

/* Rows that a step in C would have filled must not stand in the way of what comes behind it. */
static st_err empty_all(const struct offline_script *k, st_conn *c)
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    const char *script = NULL;
    struct st_stmt q = {.sql = STR("SELECT group_concat(format('DELETE FROM \"%w\"', name), '; ') FROM sqlite_schema "
                                   "WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                                   "AND name NOT IN ('strata_revisions', 'strata_journal')"),
                        .shape = &shape,
                        .arena = k->a,
                        .row = take_text,
                        .arg = &script};
    st_err rc = st_conn_run(c, &q, 1, FIBER_FOREVER, NULL);
    return rc || !script ? rc : st_conn_exec(c, script, FIBER_FOREVER);
}

static st_err step(struct offline_script *k, st_conn *c, const struct migrate_step *s)
{
    st_err rc = 0;
    switch (s->kind) {
    case MIGRATE_STEP_SQL:
    case MIGRATE_STEP_INDEX:
        rc = tell(k, c, s->sql);
        break;
    case MIGRATE_STEP_REFUSE:
        put_refusal(k, s);
        break;
    case MIGRATE_STEP_REBUILD:
        rc = rebuild(k, c, s);
        break;
    case MIGRATE_STEP_RUN:
        offline_remark(k, "left out, since it is C: step ", s->op->run.name);
        rc = empty_all(k, c);
        break;
    case MIGRATE_STEP_BACKFILL:
        rc = fill(k, c, s->op->backfill);
        break;
    }
    return rc && s->op && s->op->table ? diag_wrap(rc, "table %s", s->op->table) : rc;
}

/* ---- a revision ---- */

static st_err with_tables(st_err (*create)(buf *b, enum st_dialect d, arena *a), struct offline_script *k, st_conn *c)
{
    static const char head[] = "CREATE TABLE ";
    buf b BUF_AUTO, text BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    buf_init(&text, ST_DDL_MAX);
    st_err rc = create(&b, ST_SQLITE, k->a);
    if (rc || b.err) {
        return rc ? rc : diag_nomem();
    }
    buf_printf(&text, "%sIF NOT EXISTS %s", head, b.p + sizeof head - 1);
    return text.err ? diag_nomem() : tell(k, c, text.p);
}

/* One transaction: a script needs no journal. */
static st_err revision(struct offline_script *k, st_conn *c, const struct migrate_plan *p,
                       const struct migrate_plan *record)
{
    bool keys_off = false;
    for (size_t i = 0; i < p->n_phases; i++) {
        keys_off = keys_off || p->phases[i].foreign_keys_off;
    }
    put(k, keys_off ? "PRAGMA foreign_keys = OFF;\n" : "");
    st_err rc = tell(k, c, "BEGIN IMMEDIATE");
    if (!k->begun) {
        rc = rc ? rc : with_tables(migrate_version_create, k, c);
        rc = rc ? rc : with_tables(migrate_journal_create, k, c);
    }
    put(k, k->has_hash ? "" : "ALTER TABLE \"strata_revisions\" ADD COLUMN \"schema_hash\" TEXT;\n");
    k->has_hash = k->has_hash || !k->quiet;
    k->begun = !k->quiet;
    rc = rc ? rc : put_guard(k);
    for (size_t i = 0; !rc && i < p->n; i++) {
        rc = step(k, c, &p->steps[i]);
    }
    for (size_t i = 0; !rc && i < record->n; i++) {
        rc = tell(k, c, record->steps[i].sql);
    }
    const char *hash = NULL;
    buf b BUF_AUTO, value BUF_AUTO;
    buf_init(&b, 1024);
    buf_init(&value, 128);
    rc = rc ? rc : migrate_schema_hash(c, k->a, &k->scope, FIBER_FOREVER, &hash);
    if (rc) {
        return rc;
    }
    ddl_string(&value, hash);
    migrate_hash_update(&b, value.p);
    rc = b.err || value.err ? diag_nomem() : tell(k, c, b.p);
    put(k, "DELETE FROM \"strata_journal\";\n"); /* failures that left nothing are all that it holds */
    rc = rc ? rc : tell(k, c, "COMMIT");
    put(k, keys_off ? "PRAGMA foreign_keys = ON;\n" : "");
    return rc ? rc : checked(k);
}

st_err offline_sqlite(struct offline_script *k, const st_revision *rev, const struct migrate_plan *p,
                      const struct migrate_plan *record)
{
    st_conn *c;
    st_err rc = st_conn_acquire(k->e, true, FIBER_FOREVER, &c);
    if (!rc) {
        rc = st_conn_exec(c, "PRAGMA foreign_keys = OFF", FIBER_FOREVER); /* releasing it puts them on again */
        rc = rc ? rc : revision(k, c, p, record);
        st_conn_release(c);
    }
    if (!rc && !k->quiet) {
        buf_puts(&k->text, "SELECT ");
        ddl_string(&k->text, rev->id);
        buf_puts(&k->text, " || '  ' || ");
        ddl_string(&k->text, rev->message);
        put(k, ";\n");
    }
    return rc ? rc : checked(k);
}

st_err offline_sqlite_open(struct offline_script *k)
{
    return st_engine_open("sqlite:///:memory:", NULL, &k->e);
}

void offline_sqlite_begin(struct offline_script *k)
{
    put(k, ".bail on\n.timeout 10000\nPRAGMA foreign_keys = ON;\n");
}
