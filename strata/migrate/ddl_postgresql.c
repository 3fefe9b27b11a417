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
