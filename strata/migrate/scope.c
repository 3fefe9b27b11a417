/* Which tables the hash of the schema watches: those that a revision or a model speaks of. What others keep in the same
 * database may change as it likes. A word of a revision's own SQL that is a table's name speaks of it, since nobody can
 * say what the SQL does. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/autogen.h"
#include "strata/migrate/run.h"

struct words {
    arena *a;
    const char **v;
    size_t n, room;
};

static st_err add(struct words *k, const char *word)
{
    if (!word) {
        return 0;
    }
    st_err rc = migrate_grow(k->a, &k->v, k->n, &k->room, sizeof *k->v);
    if (!rc) {
        k->v[k->n++] = word;
    }
    return rc;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* The word as it is written, and in small letters, as PostgreSQL reads it without quotes. */
static st_err add_part(struct words *k, const char *p, size_t len)
{
    const char *word = arena_memdup0(k->a, p, len);
    char *small = arena_memdup0(k->a, p, len);
    if (!word || !small) {
        return diag_nomem();
    }
    for (size_t i = 0; i < len; i++) {
        small[i] = (char)(small[i] >= 'A' && small[i] <= 'Z' ? small[i] + ('a' - 'A') : small[i]);
    }
    st_err rc = add(k, word);
    return rc || strcmp(word, small) == 0 ? rc : add(k, small);
}

/* Words, and what stands between double quotes. */
static st_err add_text(struct words *k, const char *p)
{
    st_err rc = 0;
    while (!rc && *p) {
        size_t len = 0;
        if (*p == '"') {
            len = strcspn(++p, "\"");
        } else {
            while (in_word(p[len])) {
                len++;
            }
        }
        rc = len ? add_part(k, p, len) : 0;
        p += len + (p[len] != '\0');
    }
    return rc;
}

static st_err add_op(struct words *k, const struct migrate_op *op)
{
    st_err rc = add(k, op->table);
    switch ((int)op->kind) { /* of the others the table is all */
    case MIGRATE_CREATE_TABLE:
        return rc ? rc : add(k, op->create->name);
    case MIGRATE_RENAME_TABLE:
        return rc ? rc : add(k, op->rename.to);
    case MIGRATE_CREATE_ENUM:
        return rc ? rc : add(k, op->enumeration->name);
    case MIGRATE_DROP_ENUM:
        return rc ? rc : add(k, op->name);
    case MIGRATE_ADD_ENUM_VALUE:
        return rc ? rc : add(k, op->value.type);
    case MIGRATE_RENAME_ENUM_VALUE:
        return rc ? rc : add(k, op->rename.type);
    case MIGRATE_SQL:
        return rc || op->table ? rc : add_text(k, op->sql.text);
    default:
        return rc;
    }
}

static st_err add_models(struct words *k, const struct st_migrations *m)
{
    const st_table *tables;
    size_t n = 0;
    while (m->models && m->models[n]) {
        n++;
    }
    st_err rc = n ? st_tables_of_models(k->a, m->models, n, &tables, &n) : 0;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = add(k, tables[i].name);
        for (size_t c = 0; !rc && c < tables[i].n_columns; c++) {
            rc = add(k, tables[i].columns[c].enum_type);
        }
    }
    return rc;
}

st_err migrate_scope_of(arena *a, enum st_dialect d, const struct st_migrations *m, const struct migrate_graph *g,
                        struct migrate_scope *ret)
{
    struct words k = {.a = a};
    st_err rc = add_models(&k, m);
    for (size_t i = 0; !rc && i < g->n; i++) {
        st_ops ops;
        migrate_ops_init(&ops, a, d);
        (void)g->nodes[i].rev->upgrade(&ops); /* one that fails says so when it runs */
        rc = ops.err == -ENOMEM ? ops.err : 0;
        for (size_t o = 0; !rc && !ops.err && o < ops.n; o++) {
            rc = add_op(&k, &ops.ops[o]);
        }
    }
    if (rc) {
        return rc;
    }
    if (k.n) {
        qsort(k.v, k.n, sizeof *k.v, migrate_by_text);
    }
    *ret = (struct migrate_scope){.words = k.v, .n = k.n, .m = m};
    return 0;
}

bool migrate_scope_has(const struct migrate_scope *s, const char *name)
{
    if (autogen_matches_any(s->m->leave, name)) {
        return false;
    }
    return (s->n && bsearch(&name, s->words, s->n, sizeof *s->words, migrate_by_text)) ||
           autogen_matches_any(s->m->take, name);
}
