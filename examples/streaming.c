/* A table larger than one would load: its rows pass by in constant memory, and the session is free meanwhile. */
#include <stdio.h>
#include <strata/define.h>
#include <strata/strata.h>

typedef struct Reading {
    int64_t id;
    int64_t sensor;
    double celsius;
    bool suspect;
} Reading;

#define T Reading
ST_MODEL(Reading, "readings", COL(id, .pk = true), COL(sensor), COL(celsius), COL(suspect));
#undef T
static const st_model *const models[] = {&Reading_model};

enum { READINGS = 100000, CHUNK = 1000 };

static st_err fill(st_engine *e)
{
    static Reading readings[CHUNK];
    Reading *at[CHUNK];
    ST_SESSION(s, e);
    for (int i = 0; i < READINGS && !st_session_error(s); i += CHUNK) {
        for (int k = 0; k < CHUNK; k++) {
            int64_t n = i + k;
            readings[k] = (Reading){.id = n + 1, .sensor = n % 7, .celsius = n % 9999 == 0 ? 99 : 15 + n % 10};
            at[k] = &readings[k];
        }
        st_insert_many(s, Reading, at, CHUNK, NULL);
    }
    return st_commit(s);
}

/* Rows are copies that live until the next one: what is to be kept or edited becomes an object by st_attach. */
static st_err mark(st_engine *e)
{
    ST_SESSION(s, e);
    int64_t seen = 0, marked = 0;
    st_each_stream (Reading, r, st_stream(s, Reading, NULL, .order = ST_ORDER(ST_ASC(Reading, id)))) {
        seen++;
        if (r->celsius < 50) {
            continue;
        }
        const Reading *kept = st_attach(s, Reading, r);
        if (kept) {
            st_edit(s, kept)->suspect = true;
            marked++;
        }
    }
    printf("%d readings, %d of them suspect\n", (int)seen, (int)marked);
    return st_commit(s); /* also reports what went wrong in the middle, if anything did */
}

static st_err find_one(st_engine *e)
{
    ST_SESSION(s, e, .read_only = true);
    st_each_stream (Reading, r,
                    st_stream(s, Reading, ST_EQ(Reading, suspect, true), .order = ST_ORDER(ST_DESC(Reading, id)))) {
        printf("the last suspect one is %d\n", (int)r->id);
        break; /* leaves nothing behind */
    }
    int64_t n;
    st_err rc = st_count(s, Reading, ST_EQ(Reading, suspect, true), &n);
    if (!rc) {
        printf("%d are marked in the table\n", (int)n);
    }
    return rc;
}

typedef struct Hottest {
    int64_t sensor;
    st_opt_double celsius;
} Hottest;

#define T Hottest
ST_RESULT(Hottest, COL(sensor), COL(celsius));
#undef T

/* Any query of select.h, a batch at a time. */
static st_err hottest(st_engine *e)
{
    ST_SESSION(s, e, .read_only = true);
    st_stream *st = st_stream_read(s, Hottest, Reading, .where = ST_EQ(Reading, suspect, false),
                                   .fields = ST_FIELDS(ST_FIELD(Hottest, sensor, ST_COL(Reading, sensor)),
                                                       ST_FIELD(Hottest, celsius, ST_MAX(Reading, celsius))),
                                   .group_by = ST_TERMS(ST_COL(Reading, sensor)),
                                   .sort = ST_SORT(ST_UP(ST_COL(Reading, sensor))), .batch = 3);
    for (st_rows rows; (rows = st_stream_batch(st)).n;) {
        printf("a batch of %d:", (int)rows.n);
        st_each (Hottest, h, rows) {
            printf(" sensor %d %.0f", (int)h->sensor, h->celsius.v);
        }
        printf("\n");
    }
    st_stream_close(st);
    return st_session_error(s);
}

int main(int argc, char **argv)
{
    st_engine *e = NULL;
    st_err rc = st_engine_open(argc > 1 ? argv[1] : "sqlite:///:memory:", NULL, &e);
    rc = rc ? rc : st_create_all(e, models, 1, FIBER_FOREVER);
    rc = rc ? rc : fill(e);
    rc = rc ? rc : mark(e);
    rc = rc ? rc : find_one(e);
    rc = rc ? rc : hottest(e);
    if (rc) {
        fprintf(stderr, "streaming: %s\n", diag_last()->message);
    }
    st_engine_close(e);
    return rc ? 1 : 0;
}
