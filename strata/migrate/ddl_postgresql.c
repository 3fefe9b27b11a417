/* What PostgreSQL alone has: policies, comments, enums. */
#include "strata/migrate/private.h"

void ddl_policy(buf *b, const char *table, const st_table_policy *p)
{
    buf_puts(b, "CREATE POLICY ");
    ddl_ident(b, p->name);
    buf_puts(b, " ON ");
    ddl_ident(b, table);
    buf_puts(b, p->restrictive ? " AS RESTRICTIVE" : "");
    if (p->command) {
        buf_printf(b, " FOR %s", p->command);
    }
    if (p->roles) {
        buf_printf(b, " TO %s", p->roles);
    }
    if (p->using_sql) {
        buf_printf(b, " USING (%s)", p->using_sql);
    }
    if (p->check_sql) {
        buf_printf(b, " WITH CHECK (%s)", p->check_sql);
    }
}

void ddl_comment(buf *b, const char *table, const char *column, const char *text)
{
    buf_puts(b, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    ddl_ident(b, table);
    if (column) {
        buf_put_char(b, '.');
        ddl_ident(b, column);
    }
    buf_puts(b, " IS ");
    if (text) {
        ddl_string(b, text);
    } else {
        buf_puts(b, "NULL");
    }
}

void ddl_create_enum(buf *b, const st_enum_type *t)
{
    buf_puts(b, "CREATE TYPE ");
    ddl_ident(b, t->name);
    for (size_t i = 0; t->values[i]; i++) {
        buf_puts(b, i ? ", " : " AS ENUM (");
        ddl_string(b, t->values[i]);
    }
    buf_put_char(b, ')');
}

/* By the catalog, since its name may be that of the table's former name. */
void ddl_drop_primary_key(buf *b, const char *table)
{
    buf_puts(b, "DO $$ DECLARE old text; BEGIN SELECT conname INTO STRICT old FROM pg_catalog.pg_constraint WHERE "
                "contype = 'p' AND conrelid = ");
    buf name BUF_AUTO;
    buf_init(&name, 4096);
    ddl_ident(&name, table);
    ddl_string(b, name.p);
    b->err = b->err ? b->err : name.err;
    buf_puts(b, "::regclass; EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', ");
    ddl_string(b, name.p);
    buf_puts(b, "::regclass, old); END $$");
}
