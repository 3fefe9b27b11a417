/* A hash of the schema, so that a change past the revisions is noticed. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "strata/migrate/run.h"

/* FNV-1a: stable over programs and machines. Two of them, since one of 64 bits is short for a name that is kept. */
static void fnv(uint64_t *h, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *h = (*h ^ (uint8_t)p[i]) * 1099511628211u;
    }
}

const char *migrate_hash_text(arena *a, const char *text, size_t len)
{
    uint64_t h = 14695981039346656037u;
    fnv(&h, text, len);
    return arena_printf(a, "%016" PRIx64, h);
}

/* Lines in the order of their bytes, whatever the database's collation. No line holds a position: a table whose columns
 * were swapped is the same table to every statement that names them. PostgreSQL hashes them itself, so that SQL for
 * another program can record the hash, too. */
static const char lines_postgresql[] =
    "WITH t AS (SELECT oid, relname, relrowsecurity, relforcerowsecurity FROM pg_catalog.pg_class "
    "WHERE relkind IN ('r', 'p') AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
    "AND relname NOT IN ('strata_revisions', 'strata_journal')) "
    "SELECT left(encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE \"C\"), ''), "
    "'UTF8')), "
    "'hex'), 32) FROM ("
    "SELECT relname, format('%s column %s %s null %s default %s generated %s identity %s collation %s comment %s', "
    "relname, "
    "attname, format_type(atttypid, atttypmod), NOT attnotnull, pg_get_expr(adbin, adrelid), attgenerated, "
    "attidentity, "
    "attcollation::regcollation, col_description(attrelid, attnum)) AS line "
    "FROM t JOIN pg_attribute a ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped "
    "LEFT JOIN pg_attrdef d ON adrelid = t.oid AND adnum = attnum "
    "UNION ALL SELECT relname, format('%s constraint %s %s', relname, conname, pg_get_constraintdef(c.oid)) "
    "FROM t JOIN pg_constraint c ON conrelid = t.oid "
    "UNION ALL SELECT relname, format('%s index %s valid %s', relname, pg_get_indexdef(indexrelid), indisvalid) "
    "FROM t JOIN pg_index ON indrelid = t.oid "
    "UNION ALL SELECT relname, format('%s rows %s forced %s comment %s', relname, relrowsecurity, relforcerowsecurity, "
    "obj_description(oid, 'pg_class')) FROM t "
    "UNION ALL SELECT relname, format('%s policy %s for %s permissive %s to %s using %s check %s', relname, polname, "
    "polcmd, "
    "polpermissive, (SELECT array_agg(r::regrole::text ORDER BY r::regrole::text) FROM unnest(polroles) AS r), "
    "pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) "
    "FROM t JOIN pg_policy ON polrelid = t.oid "
    "UNION ALL SELECT relname, format('%s trigger %s %s', relname, pg_get_triggerdef(g.oid), p.prosrc) "
    "FROM t JOIN pg_trigger g ON tgrelid = t.oid AND NOT tgisinternal JOIN pg_proc p ON p.oid = tgfoid "
    "UNION ALL SELECT typname, format('enum %s %s', typname, array_agg(enumlabel ORDER BY enumsortorder)) "
    "FROM pg_type y JOIN pg_enum e ON enumtypid = y.oid WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE "
    "nspname = current_schema()) "
    "GROUP BY typname"
    ") AS lines";
/* Tables apart, so that the parts of their texts can be brought into one order. */
static const char lines_sqlite[] =
    "SELECT tbl_name, (CASE type WHEN 'table' THEN 'T' ELSE '-' END) || name || ' ' || sql FROM "
    "sqlite_master WHERE sql IS NOT NULL "
    "AND tbl_name NOT IN ('strata_revisions', 'strata_journal') AND name NOT LIKE "
    "'sqlite\\_%' ESCAPE '\\' ORDER BY name";

static int take_text(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 1;
}

struct lines {
    arena *a;
    uint64_t x, y;
};

static void add_line(struct lines *k, const char *p, size_t len)
{
    fnv(&k->x, p, len);
    fnv(&k->x, "\n", 1);
    fnv(&k->y, p, len);
    fnv(&k->y, "\r", 1);
}

/* Past what is quoted at p: a string, a name or a comment; 0 when nothing is. */
static size_t quoted(const char *p)
{
    if (p[0] == '-' && p[1] == '-') {
        return strcspn(p, "\n");
    }
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end ? (size_t)(end - p) + 2 : strlen(p);
    }
    char close = p[0] == '[' ? ']' : p[0];
    if (!p[0] || !strchr("'\"`[", p[0])) {
        return 0;
    }
    const char *end = strchr(p + 1, close);
    return end ? (size_t)(end - p) + 1 : strlen(p);
}

/* White space as one blank, none at the ends, nor beside brackets. */
static char *tidy(arena *a, const char *p, size_t len)
{
    char *out = arena_memdup0(a, p, len);
    size_t n = 0;
    for (size_t i = 0; out && i < len;) {
        size_t skip = quoted(p + i);
        skip = skip > len - i ? len - i : skip;
        if (skip) {
            memcpy(out + n, p + i, skip);
            n += skip;
            i += skip;
        } else if (strchr(" \t\r\n", p[i])) {
            out[n] = ' ';
            n += n > 0 && out[n - 1] != ' ' && out[n - 1] != '(';
            i++;
        } else {
            n -= n > 0 && out[n - 1] == ' ' && (p[i] == ')' || p[i] == '(' || p[i] == ',');
            out[n++] = p[i++];
        }
    }
    if (out) {
        out[n - (n > 0 && out[n - 1] == ' ')] = '\0';
    }
    return out;
}

/* "Tname CREATE TABLE ... (a, b, c) STRICT": what stands between the commas may come in any order, since a column that
 * was added stands behind the constraints. */
static st_err add_table(struct lines *k, const char *text)
{
    const char *open = text + strcspn(text, " ");
    while (*open && *open != '(') {
        size_t skip = quoted(open);
        open += skip ? skip : 1;
    }
    const char **parts = NULL, *from = *open ? open + 1 : open, *p = from;
    size_t n = 0, room = 0;
    int depth = 0;
    for (; *p; p += quoted(p) ? quoted(p) : 1) {
        depth += (*p == '(') - (*p == ')');
        bool last = depth < 0;
        if (last || (*p == ',' && depth == 0)) {
            st_err rc = migrate_grow(k->a, &parts, n, &room, sizeof *parts);
            parts[n] = rc ? NULL : tidy(k->a, from, (size_t)(p - from));
            if (rc || !parts[n++]) {
                return diag_nomem();
            }
            from = p + 1;
        }
        if (last) {
            break;
        }
    }
    if (n) {
        qsort(parts, n, sizeof *parts, migrate_by_text);
    }
    add_line(k, text, strcspn(text, " "));
    for (size_t i = 0; i < n; i++) {
        add_line(k, parts[i], strlen(parts[i]));
    }
    const char *rest = *p ? tidy(k->a, p + 1, strlen(p + 1)) : "";
    if (!rest) {
        return diag_nomem();
    }
    add_line(k, rest, strlen(rest));
    return 0;
}

struct line {
    const char *of, *text; /* of: the table or type */
};
struct line_list {
    arena *a;
    const struct migrate_scope *scope;
    const char **v;
    size_t n, room;
};

static int take_line(void *arg, void *obj)
{
    struct line_list *k = arg;
    const struct line *l = obj;
    if (k->scope && !migrate_scope_has(k->scope, l->of)) {
        return 0;
    }
    st_err rc = migrate_grow(k->a, &k->v, k->n, &k->room, sizeof *k->v);
    if (!rc) {
        k->v[k->n++] = l->text;
    }
    return rc ? rc : 1;
}

/* A query of one text column with one row. */
static st_err first_text(st_conn *c, arena *a, const char *sql, int64_t deadline, const char **ret)
{
    static const struct st_field field = {.type = ST_TEXT};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    struct st_stmt both[] = {migrate_print_plainly(a),
                             {.sql = str_of(sql), .shape = &shape, .arena = a, .row = take_text, .arg = ret}};
    return st_conn_run(c, both, 2, deadline, NULL);
}

static st_err hash_sqlite(st_conn *c, arena *a, const struct migrate_scope *scope, int64_t deadline, const char **ret)
{
    static const struct st_field fields[] = {{.type = ST_TEXT, .offset = offsetof(struct line, of)},
                                             {.type = ST_TEXT, .offset = offsetof(struct line, text)}};
    static const struct st_shape shape = {fields, 2, sizeof(struct line), 0};
    struct line_list list = {.a = a, .scope = scope};
    struct st_stmt q = {.sql = str_of(lines_sqlite), .shape = &shape, .arena = a, .row = take_line, .arg = &list};
    st_err rc = st_conn_run(c, &q, 1, deadline, NULL);
    struct lines k = {.a = a, .x = 14695981039346656037u, .y = 1099511628211u};
    for (size_t i = 0; !rc && i < list.n; i++) {
        if (list.v[i][0] == 'T') {
            rc = add_table(&k, list.v[i]);
        } else {
            add_line(&k, list.v[i], strlen(list.v[i]));
        }
    }
    if (!rc) {
        *ret = arena_printf(a, "%016" PRIx64 "%016" PRIx64, k.x, k.y);
        rc = *ret ? 0 : diag_nomem();
    }
    return rc;
}

/* "(relname LIKE 'a%' OR relname = ...)", a pattern's star being LIKE's percent sign. */
static void any_pattern(buf *b, const char *const *patterns)
{
    for (; patterns && *patterns; patterns++) {
        buf_puts(b, " OR relname LIKE '");
        for (const char *p = *patterns; *p; p++) {
            buf_puts(b, *p == '*' ? "%" : *p == '\'' ? "''" : strchr("%_~", *p) ? "~" : "");
            if (*p != '*' && *p != '\'') {
                buf_put_char(b, *p);
            }
        }
        buf_puts(b, "' ESCAPE '~'");
    }
}

void migrate_hash_sql(buf *b, const struct migrate_scope *scope)
{
    buf_puts(b, lines_postgresql);
    if (!scope) {
        return;
    }
    buf_puts(b, " WHERE (relname = ANY (ARRAY[");
    for (size_t i = 0, n = 0; i < scope->n; i++) {
        if (i == 0 || strcmp(scope->words[i], scope->words[i - 1]) != 0) {
            buf_puts(b, n++ ? ", " : "");
            ddl_string(b, scope->words[i]);
        }
    }
    buf_puts(b, "]::text[])");
    any_pattern(b, scope->m->take);
    buf_puts(b, ") AND NOT (false");
    any_pattern(b, scope->m->leave);
    buf_put_char(b, ')');
}

static st_err hash_postgresql(st_conn *c, arena *a, const struct migrate_scope *scope, int64_t deadline,
                              const char **ret)
{
    buf b BUF_AUTO;
    buf_init(&b, 1u << 30);
    migrate_hash_sql(&b, scope);
    return b.err ? diag_nomem() : first_text(c, a, b.p, deadline, ret);
}

st_err migrate_schema_hash(st_conn *c, arena *a, const struct migrate_scope *scope, int64_t deadline, const char **ret)
{
    st_err rc = st_conn_dialect(c) == ST_SQLITE ? hash_sqlite(c, a, scope, deadline, ret)
                                                : hash_postgresql(c, a, scope, deadline, ret);
    return rc ? diag_wrap(rc, "hash of the schema") : 0;
}

void migrate_hash_update(buf *b, const char *value)
{
    buf_printf(b,
               "UPDATE \"strata_revisions\" SET \"schema_hash\" = %s WHERE \"id\" = (SELECT \"id\" "
               "FROM \"strata_revisions\" ORDER BY \"applied_at\" DESC, \"id\" DESC LIMIT 1)",
               value);
}

st_err migrate_hash_store(st_conn *c, arena *a, const struct migrate_scope *scope, int64_t deadline)
{
    const char *hash = NULL;
    st_err rc = migrate_schema_hash(c, a, scope, deadline, &hash);
    buf b BUF_AUTO, value BUF_AUTO;
    buf_init(&b, 1024);
    buf_init(&value, 128);
    if (rc) {
        return rc;
    }
    ddl_string(&value, hash);
    migrate_hash_update(&b, value.p);
    return b.err || value.err ? diag_nomem() : st_conn_exec(c, b.p, deadline);
}
