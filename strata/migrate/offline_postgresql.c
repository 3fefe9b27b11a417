/* Revisions as a script for psql. It asks before each revision and phase whether they are done, by psql's own \if. */
#include "strata/migrate/offline.h"

#include <assert.h>

#include "strata/migrate/sql_look.h"

static st_err checked(const struct offline_script *k)
{
    return k->text.err ? diag_nomem() : 0;
}

static void put_text(struct offline_script *k, const char *text)
{
    buf_puts(&k->text, text);
}

static void string_or_null(buf *b, const char *s)
{
    if (s) {
        ddl_string(b, s);
    } else {
        buf_puts(b, "NULL");
    }
}

/* ---- around all ---- */

/* As one that may be there. */
static st_err put_table(struct offline_script *k, st_err (*create)(buf *b, enum st_dialect d, arena *a))
{
    static const char head[] = "CREATE TABLE ";
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    st_err rc = create(&b, ST_POSTGRESQL, k->a);
    if (rc || b.err) {
        return rc ? rc : diag_nomem();
    }
    buf_printf(&k->text, "%sIF NOT EXISTS %s;\n", head, b.p + sizeof head - 1);
    return 0;
}

static st_err put_tables(struct offline_script *k)
{
    st_err rc = offline_count(k) == 0 ? put_table(k, migrate_version_create) : 0;
    put_text(k, "ALTER TABLE \"strata_revisions\" ADD COLUMN IF NOT EXISTS \"schema_hash\" text COLLATE \"C\";\n");
    if (!rc && k->journal) {
        rc = put_table(k, migrate_journal_create);
        put_text(k, "ALTER TABLE \"strata_journal\" ADD COLUMN IF NOT EXISTS \"error\" text COLLATE \"C\";\n");
    }
    return rc;
}

/* The query of the hash as a function, since it is as long as the history; printed as migrate_print_plainly has it. */
static void put_hash(struct offline_script *k)
{
    put_text(k,
             "CREATE OR REPLACE FUNCTION pg_temp.strata_hash() RETURNS text LANGUAGE sql\n"
             "SET quote_all_identifiers = off SET datestyle = 'ISO, YMD' SET intervalstyle = postgres SET timezone = "
             "'UTC'\nSET bytea_output = hex SET extra_float_digits = 1 AS $strata$\n");
    migrate_hash_sql(&k->text, &k->scope);
    put_text(k, "\n$strata$;\n");
}

st_err offline_postgresql_begin(struct offline_script *k)
{
    put_text(k, "\\set ON_ERROR_STOP on\n\\set QUIET on\n\\set AUTOCOMMIT on\n"
                "SET client_min_messages = warning;\n"
                "SET lock_timeout = '10s';\n"
                "SET strata.system = 'on';\n"
                "DO $strata$ BEGIN IF NOT pg_try_advisory_lock(" MIGRATE_LOCK_NUMBER ") THEN RAISE EXCEPTION "
                "'another upgrade of this database is under way' USING HINT = 'wait for it, then run this again'; "
                "END IF; END $strata$;\n");
    st_err rc = put_tables(k);
    put_text(k, offline_functions);
    put_text(k, k->journal ? offline_journal_functions : "");
    put_hash(k);
    return rc ? rc : checked(k);
}

void offline_postgresql_end(struct offline_script *k)
{
    put_text(k, "\nDO $strata$ BEGIN PERFORM pg_advisory_unlock(" MIGRATE_LOCK_NUMBER "); END $strata$;\n"
                "RESET strata.system;\nRESET lock_timeout;\nRESET client_min_messages;\n");
}

/* ---- a phase ---- */

struct phase {
    struct offline_script *k;
    const struct migrate_plan *p;
    size_t at;
    struct migrate_journal_row row;
};

/* 'b2', 'up', 0, 'expand', 'a hash' */
static void put_place(struct phase *f)
{
    buf *b = &f->k->text;
    buf_printf(b, "'%s', '%s', %d, ", f->row.revision, f->row.direction, f->row.phase);
    ddl_string(b, f->row.name);
    buf_printf(b, ", '%s'", f->row.hash);
}

static void put_note(struct phase *f, const char *state)
{
    put_text(f->k, "DO $strata$ BEGIN PERFORM pg_temp.strata_note(");
    put_place(f);
    buf_printf(&f->k->text, ", '%s'); END $strata$;\n", state);
}

/* A question whose answer would be an error becomes a block that fails. */
static void put_refusal(struct offline_script *k, const struct migrate_step *s)
{
    buf *b = &k->text;
    put_text(k, "DO $strata$ DECLARE found text; BEGIN EXECUTE ");
    ddl_string(b, s->sql);
    put_text(k, " INTO found; IF found IS NOT NULL THEN RAISE EXCEPTION '%', ");
    ddl_string(b, s->refuse);
    put_text(k, " || found; END IF; END $strata$;\n");
}

/* The strongest lock on each table that keeps others from it, in the order of names. */
struct locks {
    arena *a;
    struct migrate_held *v;
    size_t n, room;
};

static st_err add_lock(struct locks *l, enum migrate_lock lock, const char *table)
{
    size_t i = 0;
    if (!table || lock < MIGRATE_LOCK_SHARE) {
        return 0;
    }
    while (i < l->n && strcmp(l->v[i].table, table) < 0) {
        i++;
    }
    if (i < l->n && strcmp(l->v[i].table, table) == 0) {
        l->v[i].lock = lock > l->v[i].lock ? lock : l->v[i].lock;
        return 0;
    }
    st_err rc = migrate_grow(l->a, &l->v, l->n, &l->room, sizeof *l->v);
    if (!rc) {
        memmove(l->v + i + 1, l->v + i, (l->n++ - i) * sizeof *l->v);
        l->v[i] = (struct migrate_held){lock, table};
    }
    return rc;
}

static st_err put_locks(struct phase *f)
{
    const struct migrate_phase *phase = &f->p->phases[f->at];
    struct locks l = {.a = f->k->a};
    st_err rc = 0;
    assert(!phase->n || f->p->steps);
    for (size_t i = phase->first; !rc && i < phase->first + phase->n; i++) {
        const struct migrate_step *s = &f->p->steps[i];
        rc = add_lock(&l, s->lock, s->locked);
        for (size_t o = 0; !rc && o < s->n_others; o++) {
            rc = add_lock(&l, s->others[o].lock, s->others[o].table);
        }
    }
    if (rc || !l.n) {
        return rc;
    }
    buf *b = &f->k->text, name BUF_AUTO;
    buf_init(&name, 4096);
    put_text(f->k, "DO $strata$ BEGIN PERFORM pg_temp.strata_lock(ARRAY[");
    for (size_t i = 0; i < l.n; i++) {
        buf_clear(&name);
        ddl_ident(&name, l.v[i].table);
        put_text(f->k, i ? ", " : "");
        ddl_string(b, name.p);
        b->err = b->err ? b->err : name.err;
    }
    put_text(f->k, "], ARRAY[");
    for (size_t i = 0; i < l.n; i++) {
        buf_printf(b, "%s'%s'", i ? ", " : "", migrate_lock_name(l.v[i].lock));
    }
    put_text(f->k, "]); END $strata$;\n");
    return 0;
}

static st_err put_steps(struct phase *f)
{
    const struct migrate_phase *phase = &f->p->phases[f->at];
    put_text(f->k, "BEGIN;\n");
    st_err rc = put_locks(f);
    for (size_t i = phase->first; i < phase->first + phase->n; i++) {
        const struct migrate_step *s = &f->p->steps[i];
        if (s->kind == MIGRATE_STEP_REFUSE) {
            put_refusal(f->k, s);
        } else {
            offline_put(f->k, s->sql);
        }
    }
    return rc;
}

/* What is invalid was left by a build that did not end. One that is valid, where the journal says that this phase had
 * begun, is its own. */
static void put_index(struct phase *f, const struct migrate_step *s)
{
    buf *b = &f->k->text, name BUF_AUTO;
    assert(s);
    buf_init(&name, 4096);
    bool drops = s->kind != MIGRATE_STEP_INDEX;
    ddl_ident(&name, drops ? s->op->name : s->index);
    b->err = b->err ? b->err : name.err;
    if (!drops) {
        put_text(f->k, "SELECT format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass) FROM pg_catalog.pg_index\n"
                       "WHERE NOT indisvalid AND indexrelid = to_regclass(");
        ddl_string(b, name.p);
        put_text(f->k, ") \\gexec\n");
    }
    put_text(f->k, "SELECT to_regclass(");
    ddl_string(b, name.p);
    buf_printf(b,
               ") IS %sNULL OR NOT EXISTS (SELECT FROM strata_journal WHERE revision = '%s'\n"
               "AND direction = '%s' AND phase = %d AND state = 'running') AS strata_build \\gset\n",
               drops ? "NOT " : "", f->row.revision, f->row.direction, f->row.phase);
    put_note(f, "running");
    put_text(f->k, "\\if :strata_build\n");
    offline_put(f->k, s->sql);
    put_text(f->k, "\\endif\n");
    put_note(f, "done");
}

static void put_fill(struct phase *f, const st_backfill *fill)
{
    buf *b = &f->k->text, name BUF_AUTO;
    buf_init(&name, 4096);
    ddl_ident(&name, fill->table);
    b->err = b->err ? b->err : name.err;
    put_text(f->k, "CALL pg_temp.strata_fill(");
    put_place(f);
    put_text(f->k, ", ");
    ddl_string(b, name.p);
    const char *const texts[] = {fill->set, fill->where, fill->left};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_text(f->k, ", ");
        string_or_null(b, texts[i]);
    }
    buf_printf(b, ", %u, %u);\n", fill->batch ? fill->batch : MIGRATE_BATCH_ROWS, (unsigned)fill->pause_ms);
}

static st_err put_title(struct phase *f)
{
    const char *title = arena_printf(f->k->a, "phase %zu of %zu: ", f->at + 1, f->p->n_phases);
    if (!title) {
        return diag_nomem();
    }
    offline_remark(f->k, title, f->row.name);
    return 0;
}

static st_err put_phase(struct phase *f)
{
    const struct migrate_phase *phase = &f->p->phases[f->at];
    const struct migrate_step *s = phase->n ? &f->p->steps[phase->first] : NULL;
    struct offline_script *k = f->k;
    st_err rc = put_title(f);
    put_text(k, "SELECT pg_temp.strata_phase(");
    put_place(f);
    put_text(k, ") AS strata_todo \\gset\n\\if :strata_todo\n");
    if (s && s->kind == MIGRATE_STEP_BACKFILL) {
        put_fill(f, s->op->backfill);
    } else if (s && s->kind == MIGRATE_STEP_RUN) {
        offline_remark(k, "left out, since it is C: step ", s->op->run.name);
        put_note(f, "done");
    } else if (phase->no_transaction) {
        put_index(f, s);
    } else {
        rc = rc ? rc : put_steps(f);
        put_note(f, "done");
        put_text(k, "COMMIT;\n");
    }
    put_text(k, "\\endif\n");
    return rc;
}

/* ---- a revision ---- */

/* The last phase, with the revision's own row. */
static st_err put_last(struct phase *f, const struct migrate_plan *record)
{
    struct offline_script *k = f->k;
    st_err rc = 0;
    if (f->p->n_phases > 1) {
        rc = put_title(f);
    }
    rc = rc ? rc : put_steps(f);
    for (size_t i = 0; i < record->n; i++) {
        offline_put(k, record->steps[i].sql);
    }
    migrate_hash_update(&k->text, "pg_temp.strata_hash()");
    put_text(k, ";\n");
    put_text(k, "DO $strata$ BEGIN IF to_regclass('strata_journal') IS NOT NULL THEN ");
    migrate_journal_clear_text(&k->text, f->row.revision);
    put_text(k, "; END IF; END $strata$;\nCOMMIT;\n");
    return rc;
}

/* Between quotes psql knows escapes. */
static void put_echo(struct offline_script *k, const char *what, const st_revision *rev)
{
    buf_printf(&k->text, "\\echo '%s %s  ", what, rev->id);
    for (const char *p = rev->message; *p; p++) {
        if (*p == '\'' || *p == '\\') {
            buf_put_char(&k->text, *p);
        }
        buf_put_char(&k->text, (unsigned char)*p < ' ' ? ' ' : *p);
    }
    put_text(k, "'\n");
}

st_err offline_postgresql(struct offline_script *k, const st_revision *rev, bool up, const struct migrate_plan *p,
                          const struct migrate_plan *record)
{
    struct migrate_plan plan = *p;
    const char **hashes;
    st_err rc = migrate_plan_locks(k->a, &plan);
    rc = rc ? rc : migrate_plan_hashes(k->a, ST_POSTGRESQL, &plan, &hashes);
    buf_printf(&k->text, "SELECT pg_temp.strata_todo('%s', %s, %zu, ARRAY[", rev->id, up ? "true" : "false",
               offline_count(k));
    (void)offline_heads(k, &k->text);
    put_text(k, "]::text[]) AS strata_todo \\gset\n\\if :strata_todo\n");
    for (size_t i = 0; !rc && i < plan.n_phases; i++) {
        struct phase f = {k,
                          &plan,
                          i,
                          {.revision = rev->id,
                           .direction = up ? "up" : "down",
                           .phase = (int32_t)i,
                           .name = plan.phases[i].name,
                           .hash = hashes[i]}};
        rc = i + 1 < plan.n_phases ? put_phase(&f) : put_last(&f, record);
    }
    put_echo(k, up ? "applied" : "undone ", rev);
    put_text(k, "\\endif\n");
    return rc ? rc : checked(k);
}
