#include "session_support.h"

void library_create(struct world *w)
{
    must(w, "CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL, population bigint NOT NULL);"
            "CREATE TABLE authors (tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, email text,"
            " country text REFERENCES countries (code), born integer, password text, created_at timestamptz NOT NULL,"
            " updated_at timestamptz NOT NULL, version integer NOT NULL, PRIMARY KEY (tenant_id, id),"
            " CONSTRAINT authors_name_key UNIQUE (tenant_id, name));"
            "CREATE TABLE books (tenant_id uuid NOT NULL, id uuid NOT NULL, author_id uuid NOT NULL, sequel_to uuid,"
            " title text NOT NULL, \"order\" integer NOT NULL, kind text NOT NULL, mood smallint,"
            " in_print boolean NOT NULL, shelf smallint NOT NULL, sold bigint NOT NULL, price double precision NOT NULL,"
            " signed_copy boolean, floor smallint, weight bigint, rating double precision, published timestamptz,"
            " tags text[] NOT NULL, related uuid[], cover bytea, metadata jsonb, version bigint NOT NULL,"
            " PRIMARY KEY (tenant_id, id),"
            " FOREIGN KEY (tenant_id, author_id) REFERENCES authors (tenant_id, id) ON DELETE CASCADE,"
            " FOREIGN KEY (tenant_id, sequel_to) REFERENCES books (tenant_id, id),"
            " CONSTRAINT books_title_order_key UNIQUE (tenant_id, title, \"order\"));"
            "CREATE TABLE notes (tenant_id uuid NOT NULL, id uuid NOT NULL, body text NOT NULL,"
            " PRIMARY KEY (tenant_id, id));");
}

st_uuid author_put(struct world *w, st_uuid tenant, const char *name)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    Author *a = st_add(s, Author, .name = name);
    ck_assert_ptr_nonnull(a);
    st_uuid id = a->id;
    OK(st_commit(s));
    return id;
}

int64_t authors_in(struct world *w, st_uuid tenant)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant, .read_only = true); /* beside a writer that may be open */
    OK(st_count(s, Author, NULL, &n));
    return n;
}
