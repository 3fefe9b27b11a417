#include "catalog.h"

static int take(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 1;
}

const char *text_of(struct world *w, const char *sql)
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    const char *text = NULL;
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    struct st_stmt s = {.sql = str_of(sql), .shape = &shape, .arena = w->a, .row = take, .arg = &text};
    st_err rc = st_conn_run(c, &s, 1, FIBER_FOREVER, NULL);
    ck_assert_msg(rc == 0, "%s: in %s", test_diag(), sql);
    st_conn_release(c);
    return text ? text : "";
}

const char *catalog(struct world *w)
{
    if (w->dialect == ST_SQLITE) {
        return text_of(w, "SELECT group_concat(line, char(10)) FROM (SELECT name || ': ' || coalesce(sql, '') AS line "
                          "FROM sqlite_master WHERE tbl_name NOT IN ('strata_revisions', 'strata_journal', "
                          "'sqlite_sequence') ORDER BY name)");
    }
    return text_of(
        w,
        "WITH t AS (SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND relname NOT IN ('strata_revisions', 'strata_journal')) "
        "SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
        "SELECT format('%s column %s %s %s null %s default %s collation %s identity %s generated %s comment %s', "
        "relname, "
        "lpad((row_number() OVER (PARTITION BY attrelid ORDER BY attnum))::text, 3), attname, "
        "format_type(atttypid, atttypmod), NOT attnotnull, pg_get_expr(adbin, adrelid), attcollation::regcollation, "
        "attidentity, attgenerated, col_description(attrelid, attnum)) AS line "
        "FROM t JOIN pg_attribute a ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped "
        "LEFT JOIN pg_attrdef d ON adrelid = t.oid AND adnum = attnum "
        "UNION ALL SELECT format('%s comment %s', relname, obj_description(oid, 'pg_class')) FROM t "
        "UNION ALL SELECT format('%s constraint %s %s', relname, conname, pg_get_constraintdef(c.oid)) "
        "FROM t JOIN pg_constraint c ON conrelid = t.oid "
        "UNION ALL SELECT format('%s index %s', relname, pg_get_indexdef(indexrelid)) FROM t JOIN pg_index ON indrelid "
        "= t.oid "
        "UNION ALL SELECT format('%s trigger %s', relname, pg_get_triggerdef(g.oid)) FROM t JOIN pg_trigger g ON "
        "tgrelid "
        "= t.oid AND NOT tgisinternal "
        "UNION ALL SELECT format('function %s %s', proname, prosrc) FROM pg_proc WHERE pronamespace = "
        "'public'::regnamespace AND prolang <> 13 AND prosrc NOT LIKE '$libdir%' AND probin IS NULL "
        "UNION ALL SELECT format('enum %s %s', typname, string_agg(enumlabel, ',' ORDER BY enumsortorder)) FROM "
        "pg_type y "
        "JOIN pg_enum e ON enumtypid = y.oid GROUP BY typname "
        "UNION ALL SELECT format('%s rows %s forced %s', t.relname, relrowsecurity, relforcerowsecurity) "
        "FROM t JOIN pg_class USING (oid) "
        "UNION ALL SELECT format('%s policy %s %s %s to %s using %s check %s', relname, polname, polcmd, "
        "polpermissive, "
        "(SELECT array_agg(r::regrole::text ORDER BY r::regrole::text) FROM unnest(polroles) AS r), "
        "pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM t JOIN "
        "pg_policy "
        "ON polrelid = t.oid) AS lines");
}

int command_run(st_engine *e, const struct st_migrations *m, const char *args, char **out, char **err)
{
    char line[400], *argv[16] = {line};
    int argc = 1;
    size_t n;
    ck_assert_int_lt(snprintf(line, sizeof line, "migrate %s", args), (int)sizeof line);
    for (char *p = strchr(line, ' '); p && p[1]; p = strchr(p, ' ')) {
        *p++ = '\0';
        ck_assert_int_lt(argc, 15);
        argv[argc++] = p;
    }
    free(*out);
    free(*err);
    FILE *o = open_memstream(out, &n), *x = open_memstream(err, &n);
    int code = st_migrate_main(e, m, argc, argv, o, x);
    (void)fclose(o);
    (void)fclose(x);
    return code;
}
