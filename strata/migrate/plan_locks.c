/* What the steps of a plan lock on PostgreSQL, told from their words. */
#include <errno.h>

#include "strata/migrate/sql_look.h"

const char *migrate_lock_name(enum migrate_lock l)
{
    static const char *const names[] = {
        [MIGRATE_LOCK_NONE] = "",
        [MIGRATE_LOCK_ACCESS_SHARE] = "ACCESS SHARE",
        [MIGRATE_LOCK_ROW_SHARE] = "ROW SHARE",
        [MIGRATE_LOCK_ROW_EXCLUSIVE] = "ROW EXCLUSIVE",
        [MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE] = "SHARE UPDATE EXCLUSIVE",
        [MIGRATE_LOCK_SHARE] = "SHARE",
        [MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE] = "SHARE ROW EXCLUSIVE",
        [MIGRATE_LOCK_EXCLUSIVE] = "EXCLUSIVE",
        [MIGRATE_LOCK_ACCESS_EXCLUSIVE] = "ACCESS EXCLUSIVE",
    };
    return names[l];
}

struct others {
    arena *a;
    struct migrate_held *v;
    size_t n, room;
};

static st_err add_other(struct others *o, struct migrate_held h)
{
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->v[i].table, h.table) == 0) {
            o->v[i].lock = h.lock > o->v[i].lock ? h.lock : o->v[i].lock;
            return 0;
        }
    }
    st_err rc = o->n < SQL_OTHERS_MAX ? migrate_grow(o->a, &o->v, o->n, &o->room, sizeof *o->v) : 0;
    if (!rc && o->n < SQL_OTHERS_MAX) {
        o->v[o->n++] = h;
    }
    return rc;
}

/* The table with the strongest lock is the step's own. */
static st_err take(struct others *o, struct migrate_step *s, enum migrate_lock lock, const char *table)
{
    if (!lock || (!table && lock <= s->lock)) {
        return 0;
    }
    if (s->locked && table && strcmp(s->locked, table) == 0) {
        s->lock = lock > s->lock ? lock : s->lock;
        return 0;
    }
    if (lock <= s->lock) {
        return add_other(o, (struct migrate_held){lock, table});
    }
    st_err rc = s->locked ? add_other(o, (struct migrate_held){s->lock, s->locked}) : 0;
    s->lock = lock;
    s->locked = table;
    return rc;
}

/* Of the constraints that operations validate and drop it is known which are keys. */
static bool may_hold_key(const struct migrate_step *s, const struct sql_look *k)
{
    const struct migrate_op *op = s->op;
    return !op || op->kind == MIGRATE_SQL || sql_look_has(k, SQL_DROP_COLUMN) || sql_look_has(k, SQL_DROP_TABLE) ||
           (op->kind == MIGRATE_DROP_CONSTRAINT && op->constraint.kind == ST_C_FK);
}

static st_err look_at_step(arena *a, struct migrate_step *s)
{
    str rest = str_of(s->sql), one;
    struct others o = {.a = a};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < s->n_others; i++) {
        rc = add_other(&o, s->others[i]);
    }
    while (!rc && sql_statement(&rest, &one)) {
        struct sql_look k;
        rc = sql_look(a, one, &k);
        const char *table = k.table || !s->op ? k.table : s->op->table; /* of an index */
        rc = rc || (!k.table && k.n_others) ? rc : take(&o, s, k.lock, table);
        for (size_t i = 0; !rc && i < k.n_others; i++) {
            rc = take(&o, s, k.others[i].lock, k.others[i].table);
        }
        s->scans = s->scans || (k.scans && !s->proven && !s->keeps);
        s->rewrites = s->rewrites || (k.rewrites && !s->keeps);
        s->referenced = s->referenced || (k.referenced && may_hold_key(s, &k));
    }
    s->others = o.v;
    s->n_others = o.n;
    return rc;
}

st_err migrate_plan_locks(arena *a, struct migrate_plan *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->n; i++) {
        struct migrate_step *s = &p->steps[i];
        if (s->kind == MIGRATE_STEP_BACKFILL) {
            s->lock = MIGRATE_LOCK_ROW_EXCLUSIVE;
            s->locked = s->op->backfill->table;
        } else if (s->sql && !s->lock && s->kind != MIGRATE_STEP_REFUSE) {
            rc = look_at_step(a, s);
        }
    }
    return rc;
}
