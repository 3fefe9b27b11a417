/* A first program: a model, its table, two rows in, one out. */
#include <stdio.h>
#include <strata/define.h>
#include <strata/strata.h>

typedef struct Note {
    st_uuid id;
    const char *text;
    int32_t stars;
} Note;

#define T Note
ST_MODEL(Note, "notes", COL(id, .pk = true), COL(text, .max = 200), COL(stars));
#undef T
static const st_model *const models[] = {&Note_model};

static st_err hello(st_engine *e)
{
    ST_SESSION(s, e);
    st_add(s, Note, .text = "hello, strata", .stars = 5);
    st_add(s, Note, .text = "a second note");
    st_commit(s);
    st_each (Note, n, st_select(s, Note, ST_GE(Note, stars, 3))) {
        printf("%s (%d stars)\n", n->text, n->stars);
    }
    return st_session_error(s); /* of whatever failed first */
}

int main(int argc, char **argv)
{
    st_engine *e = NULL;
    st_err rc = st_engine_open(argc > 1 ? argv[1] : "sqlite:///:memory:", NULL, &e);
    rc = rc ? rc : st_create_all(e, models, 1, FIBER_FOREVER);
    rc = rc ? rc : hello(e);
    if (rc) {
        fprintf(stderr, "hello: %s\n", diag_last()->message);
    }
    st_engine_close(e);
    return rc ? 1 : 0;
}
