/* What the programs do, round after round. */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "legacy_writers.h"

enum { SQL_MAX = 640, TEXT_MAX = 64 };

#define SQL(p, deed, rows, ...)                         \
    __extension__({                                     \
        char sql_[SQL_MAX];                             \
        (void)snprintf(sql_, sizeof sql_, __VA_ARGS__); \
        legacy_run((p), (deed), sql_, (rows));          \
    })

/* A uuid as the database's own type has it, so that a column of text does not take it. */
static void spell_uuid(const struct program *p, const char *text, char out[static TEXT_MAX])
{
    if (p->pg) {
        (void)snprintf(out, TEXT_MAX, "'%.36s'::uuid", text);
        return;
    }
    size_t n = 2;
    memcpy(out, "x'", 3);
    for (; *text; text++) {
        if (*text != '-') {
            out[n++] = *text;
        }
    }
    memcpy(out + n, "'", 2);
}

/* ---- keys of text and numbers ---- */

/* The row that a program has just written it must find, unless the keys change their names under it. */
static enum outcome must_find(struct program *p, const char *sql, enum outcome o, int64_t rows, int64_t wanted)
{
    if (o != DONE || rows == wanted) {
        return o;
    }
    return __atomic_load_n(&p->stats->may_move, __ATOMIC_ACQUIRE) ? NOTHING_FOUND
                                                                  : legacy_broken(p, sql, "another number of rows");
}

static enum outcome old_shared(struct program *p)
{
    static const char *const values[] = {"'44444444-0000-7000-8000-0000000000AA'", "NULL", "'globex'",
                                         "'44444444-0000-7000-8000-0000000000bb'"};
    const char *value = values[p->n / SHARED_ROWS % 4];
    int row = (int)(p->n % SHARED_ROWS);
    enum outcome o = SQL(p, SHARED, NULL, "UPDATE domains SET tenant_id = %s WHERE id = '" SHARED_ID "%d'", value, row);
    return o ? o
             : SQL(p, SHARED, NULL, "UPDATE jobs SET tenant_id = %s WHERE domain_id = '" SHARED_ID "%d'", value, row);
}

/* A domain with a job, read, changed and sometimes deleted. */
static enum outcome old_round(struct program *p)
{
    char id[TEXT_MAX], next[TEXT_MAX];
    int64_t rows = 0;
    uuid_format(uuid_v7(), id);
    if (p->n % 3 == 0) {
        (void)snprintf(id, sizeof id, "old-%lld", (long long)p->n);
    }
    const char *tenant = p->n % 5 ? "00000000-0000-7000-8000-00000000000A" : "acme";
    enum outcome o =
        SQL(p, ADDED, NULL, "INSERT INTO domains (id, name, tenant_id) VALUES ('%s', 'old', '%s')", id, tenant);
    p->stats->domains += o == DONE;
    if (!o && p->n % 4 == 1) { /* another key: another uuid, one instead of none, or none instead of one */
        uuid_format(uuid_v7(), next);
        if (p->n % 8 == 1) {
            (void)snprintf(next, sizeof next, "old-next-%lld", (long long)p->n);
        }
        o = SQL(p, RENAMED, NULL, "UPDATE domains SET id = '%s' WHERE id = '%s'", next, id);
        memcpy(id, next, sizeof id);
    }
    o = o ? o : SQL(p, ADDED, &rows, "INSERT INTO jobs (domain_id, tenant_id) VALUES ('%s', '%s')", id, tenant);
    bool job = o == DONE && rows;
    p->stats->jobs += job;
    static const char *const values[] = {"NULL", "'globex'", "'00000000-0000-7000-8000-00000000000b'"};
    static const enum deed deeds[] = {EMPTIED, SPOILED, CHANGED};
    size_t v = (size_t)(p->n % 3);
    o = o ? o : SQL(p, deeds[v], NULL, "UPDATE domains SET tenant_id = %s WHERE id = '%s'", values[v], id);
    o = o ? o : SQL(p, deeds[v], NULL, "UPDATE jobs SET tenant_id = %s WHERE domain_id = '%s'", values[v], id);
    o = o ? o
          : SQL(p, READ, &rows,
                "SELECT j.id, d.tenant_id FROM jobs j JOIN domains d ON d.id = j.domain_id WHERE d.id = '%s'", id);
    o = must_find(p, "its own job", o, rows, 1);
    if (!o && p->n % 5 == 2) { /* the job goes along */
        o = SQL(p, DELETED, &rows, "DELETE FROM domains WHERE id = '%s'", id);
        p->stats->domains -= o ? 0 : rows;
        p->stats->jobs -= o || !job ? 0 : rows;
        o = must_find(p, "its own domain", o, rows, 1);
    }
    return o ? o : old_shared(p);
}

static enum outcome old_reads(struct program *p)
{
    int64_t rows = 0;
    int row = (int)(p->n % SHARED_ROWS);
    enum outcome o = SQL(p, READ, &rows, "SELECT id, name, tenant_id FROM domains WHERE id = '" SHARED_ID "%d'", row);
    o = must_find(p, "a domain by its key", o, rows, 1);
    o = o ? o
          : SQL(p, READ, &rows,
                "SELECT j.id, j.status, d.name FROM jobs j JOIN domains d ON d.id = j.domain_id WHERE "
                "j.domain_id = '" SHARED_ID "%d' AND j.id > 0",
                row);
    return must_find(p, "the job of a domain", o, rows, 1);
}

/* ---- keys that are uuids ---- */

static const char *domain_key(const struct program *p)
{
    return p->moved.domain ? "id" : "id_uuid";
}

static const char *job_key(const struct program *p)
{
    return p->moved.job ? "id" : "id_uuid";
}

static const char *domain_tenant(const struct program *p)
{
    return p->moved.domain_tenant ? "tenant_id" : "tenant_uuid";
}

static const char *job_tenant(const struct program *p)
{
    return p->moved.job_tenant ? "tenant_id" : "tenant_uuid";
}

/* A job points at its domain by the text of the key until the keys move. */
static void spell_parent(const struct program *p, const char *text, char out[static TEXT_MAX])
{
    if (p->moved.domain) {
        spell_uuid(p, text, out);
    } else {
        (void)snprintf(out, TEXT_MAX, "'%.36s'", text);
    }
}

static enum outcome new_shared(struct program *p)
{
    char tenant[TEXT_MAX], text[TEXT_MAX], id[TEXT_MAX];
    uuid_format(uuid_v7(), text);
    spell_uuid(p, text, tenant);
    const char *value = p->n % 3 ? tenant : "NULL";
    (void)snprintf(text, sizeof text, SHARED_ID "%d", (int)(p->n % SHARED_ROWS));
    spell_uuid(p, text, id);
    enum outcome o =
        SQL(p, SHARED, NULL, "UPDATE domains SET %s = %s WHERE %s = %s", domain_tenant(p), value, domain_key(p), id);
    spell_parent(p, text, id);
    return o ? o : SQL(p, SHARED, NULL, "UPDATE jobs SET %s = %s WHERE domain_id = %s", job_tenant(p), value, id);
}

static enum outcome new_round(struct program *p)
{
    char text[TEXT_MAX], id[TEXT_MAX], next[TEXT_MAX], job[TEXT_MAX], parent[TEXT_MAX];
    int64_t rows = 0;
    uuid_format(uuid_v7(), text);
    spell_uuid(p, text, job);
    uuid_format(uuid_v7(), text);
    spell_uuid(p, text, id);
    enum outcome o = SQL(p, ADDED, NULL, "INSERT INTO domains (%s, name, %s) VALUES (%s, 'new', %s)", domain_key(p),
                         domain_tenant(p), id, id);
    p->stats->domains += o == DONE;
    if (!o && p->n % 4 == 1) {
        uuid_format(uuid_v7(), text);
        spell_uuid(p, text, next);
        o = SQL(p, RENAMED, NULL, "UPDATE domains SET %s = %s WHERE %s = %s", domain_key(p), next, domain_key(p), id);
        memcpy(id, next, sizeof id);
    }
    spell_parent(p, text, parent);
    o = o ? o
          : SQL(p, ADDED, NULL, "INSERT INTO jobs (%s, domain_id, %s) VALUES (%s, %s, %s)", job_key(p), job_tenant(p),
                job, parent, id);
    bool has_job = o == DONE;
    p->stats->jobs += has_job;
    const char *value = p->n % 3 ? job : "NULL";
    enum deed deed = p->n % 3 ? CHANGED : EMPTIED;
    o = o ? o
          : SQL(p, deed, NULL, "UPDATE domains SET %s = %s WHERE %s = %s", domain_tenant(p), value, domain_key(p), id);
    o = o ? o
          : SQL(p, deed, NULL, "UPDATE jobs SET status = 'running', %s = %s WHERE %s = %s", job_tenant(p), value,
                job_key(p), job);
    o = o ? o : SQL(p, READ, NULL, "SELECT * FROM jobs WHERE %s = %s", job_key(p), job);
    if (!o && p->n % 5 == 2) {
        o = SQL(p, DELETED, &rows, "DELETE FROM domains WHERE %s = %s", domain_key(p), id);
        p->stats->domains -= o ? 0 : rows;
        p->stats->jobs -= o || !has_job ? 0 : rows;
    }
    return o ? o : new_shared(p);
}

/* Which names the columns have, as a program that has to do with both finds out after it was refused. */
static enum outcome look_again(struct program *p)
{
    static const char *const asked[][2] = {
        {"domains", "id_uuid"}, {"domains", "tenant_uuid"}, {"jobs", "id_uuid"}, {"jobs", "tenant_uuid"}};
    static const char *const legacy[] = {"id_legacy", "tenant_id_legacy", "id_legacy", "tenant_id_legacy"};
    bool *const moved[] = {&p->moved.domain, &p->moved.domain_tenant, &p->moved.job, &p->moved.job_tenant};
    p->moved.there = true;
    for (size_t i = 0; i < 4; i++) {
        int64_t beside = 0, behind = 0;
        for (int k = 0; k < 2; k++) {
            const char *column = k ? legacy[i] : asked[i][1];
            char sql[SQL_MAX];
            if (p->pg) {
                (void)snprintf(sql, sizeof sql,
                               "SELECT 1 FROM pg_attribute WHERE attrelid = '%s'::regclass AND attname = '%s'",
                               asked[i][0], column);
            } else {
                (void)snprintf(sql, sizeof sql, "SELECT 1 FROM pragma_table_info('%s') WHERE name = '%s'", asked[i][0],
                               column);
            }
            enum outcome o = legacy_run(p, READ, sql, k ? &behind : &beside);
            if (o) {
                return o;
            }
        }
        *moved[i] = behind != 0;
        p->moved.there = p->moved.there && (beside || behind);
    }
    return DONE;
}

enum outcome legacy_round(struct program *p)
{
    p->n++;
    if (p->kind != WRITES_NEW) {
        enum outcome o = p->kind == WRITES_OLD ? old_round(p) : old_reads(p);
        bool may = __atomic_load_n(&p->stats->may_move, __ATOMIC_ACQUIRE);
        return o == NOTHING_FOUND || (o == NO_COLUMN && may) ? DONE : o;
    }
    enum outcome o = p->moved.there ? new_round(p) : NO_COLUMN;
    return o == NO_COLUMN ? look_again(p) : o;
}
