#include "waymark/scrape/polite.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/netvet.h"

enum { KEY_MAX = 256, MS = 1000000, SECOND = 1000 * MS };

/* What is remembered of one host or address. */
struct polite_place {
    struct polite_place *chain;         /* of its bucket */
    struct polite_place *newer, *older; /* among the idle ones */
    unsigned users;                     /* turns held or waited for; 0: idle, and may be forgotten */
    fiber_sem turns;
    int64_t delay, next_start, quiet_until, backoff; /* ns */
    uint64_t hash;
    size_t key_len;
    char key[];
};

struct polite {
    struct polite_options o;
    size_t n, mask;
    struct polite_place *newest, *oldest;
    struct polite_place *buckets[];
};

static int64_t or_default(int64_t v, int64_t d)
{
    return v > 0 ? v : d;
}

int polite_new(const struct polite_options *options, polite **ret)
{
    struct polite_options o = options ? *options : (struct polite_options){0};
    o.per_host = (unsigned)or_default(o.per_host, 4);
    o.per_address = (unsigned)or_default(o.per_address, 16);
    o.delay_max_ms = or_default(o.delay_max_ms, 30000);
    o.backoff_ms = or_default(o.backoff_ms, 1000);
    o.backoff_max_ms = or_default(o.backoff_max_ms, 600000);
    o.max_hosts = (unsigned)or_default(o.max_hosts, 4096);
    o.delay_ms = o.delay_ms < o.delay_max_ms ? o.delay_ms : o.delay_max_ms;
    size_t buckets = 16;
    while (buckets < o.max_hosts && buckets < 1u << 20) {
        buckets *= 2;
    }
    polite *p = mem_zalloc(1, sizeof *p + buckets * sizeof(struct polite_place *));
    if (!p) {
        return diag_nomem();
    }
    p->o = o;
    p->mask = buckets - 1;
    *ret = p;
    return 0;
}

/* ---- places ---- */

static void idle_remove(polite *p, struct polite_place *l)
{
    *(l->newer ? &l->newer->older : &p->newest) = l->older;
    *(l->older ? &l->older->newer : &p->oldest) = l->newer;
    l->newer = l->older = NULL;
}

static void idle_add(polite *p, struct polite_place *l)
{
    l->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = l;
    p->newest = l;
}

static void forget(polite *p, struct polite_place *l)
{
    assert(l->users == 0);
    struct polite_place **at = &p->buckets[l->hash & p->mask];
    while (*at != l) {
        at = &(*at)->chain;
        assert(*at);
    }
    *at = l->chain;
    idle_remove(p, l);
    p->n--;
    mem_free(l);
}

void polite_free(polite *p)
{
    if (!p) {
        return;
    }
    while (p->oldest) {
        forget(p, p->oldest);
    }
    assert(p->n == 0);
    mem_free(p);
}

static uint64_t hash_of(str key) /* FNV-1a */
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < key.len; i++) {
        h = (h ^ (uint8_t)key.p[i]) * 1099511628211u;
    }
    return h ^ h >> 32;
}

/* The place of key with one more user; NULL when memory is out. */
static struct polite_place *join(polite *p, str key, unsigned turns)
{
    uint64_t h = hash_of(key);
    for (struct polite_place *l = p->buckets[h & p->mask]; l; l = l->chain) {
        if (l->hash == h && str_eq(key, str_n(l->key, l->key_len))) {
            if (l->users++ == 0) {
                idle_remove(p, l);
            }
            return l;
        }
    }
    if (p->n >= p->o.max_hosts && p->oldest) {
        forget(p, p->oldest);
    }
    struct polite_place *l = mem_zalloc(1, sizeof *l + key.len);
    if (!l) {
        return NULL;
    }
    l->users = 1;
    l->turns.count = turns;
    l->delay = p->o.delay_ms * MS;
    l->hash = h;
    l->key_len = key.len;
    memcpy(l->key, key.p, key.len);
    l->chain = p->buckets[h & p->mask];
    p->buckets[h & p->mask] = l;
    p->n++;
    return l;
}

static void part(polite *p, struct polite_place *l)
{
    assert(l && l->users > 0);
    if (--l->users == 0) {
        idle_add(p, l);
    }
}

static str host_key(str host, char key[static KEY_MAX])
{
    size_t len = host.len > 1 && host.p[host.len - 1] == '.' ? host.len - 1 : host.len;
    len = len < KEY_MAX ? len : KEY_MAX;
    for (size_t i = 0; i < len; i++) {
        key[i] = ascii_lower(host.p[i]);
    }
    return str_n(key, len);
}

static str address_key(const struct fiber_addr *a, char key[static KEY_MAX])
{
    key[0] = '@'; /* no host begins so */
    netvet_format(a, key + 1);
    return str_n(key, strlen(key));
}

/* ---- turns ---- */

static int held_back(const struct polite_place *l, int64_t until)
{
    return diag_set(-EBUSY, "%.*s is to be left alone for another %lld s, which is past the deadline", (int)l->key_len,
                    l->key, (long long)((until - fiber_now() + SECOND - 1) / SECOND));
}

/* Waits for the next start that this place allows, and takes it. */
static int wait_start(struct polite_place *l, int64_t deadline)
{
    int64_t end = fiber_deadline(deadline);
    for (;;) {
        int64_t now = fiber_now(), at = now > l->next_start ? now : l->next_start;
        at = at > l->quiet_until ? at : l->quiet_until;
        if (at > end) {
            return held_back(l, at);
        }
        l->next_start = at + l->delay;
        int r = at > now ? fiber_sleep_until(at) : 0;
        if (r < 0 || l->quiet_until <= at) {
            return r;
        }
        /* One who came before us was told to go away meanwhile. */
    }
}

static int enter(polite *p, str key, unsigned turns, int64_t deadline, struct polite_place **ret)
{
    struct polite_place *l = join(p, key, turns);
    if (!l) {
        return diag_nomem();
    }
    int r = fiber_sem_acquire(&l->turns, deadline);
    if (r == 0) {
        r = wait_start(l, deadline);
        if (r < 0) {
            fiber_sem_release(&l->turns);
        }
    }
    if (r < 0) {
        part(p, l);
        return r;
    }
    *ret = l;
    return 0;
}

static void leave(polite *p, struct polite_place *l)
{
    fiber_sem_release(&l->turns);
    part(p, l);
}

int polite_enter(polite *p, str host, const struct fiber_addr *address, int64_t deadline, struct polite_turn *ret)
{
    char key[KEY_MAX];
    struct polite_turn t = {.polite = p};
    int r = enter(p, host_key(host, key), p->o.per_host, deadline, &t.host);
    if (r < 0) {
        return r;
    }
    /* Always host, then address: so nobody waits in a circle. */
    r = enter(p, address_key(address, key), p->o.per_address, deadline, &t.address);
    if (r < 0) {
        leave(p, t.host);
        return r;
    }
    *ret = t;
    return 0;
}

void polite_leave(struct polite_turn *turn, int status, int64_t retry_after_ms)
{
    polite *p = turn->polite;
    if (!p) {
        return;
    }
    struct polite_place *l = turn->host;
    int64_t now = fiber_now(), most = p->o.backoff_max_ms * MS;
    if (status == 429 || status == 503) {
        int64_t pause = retry_after_ms < 0 || retry_after_ms > p->o.backoff_max_ms ? most : retry_after_ms * MS;
        if (retry_after_ms < 0) {
            if (l->quiet_until <= now) { /* several answers to one burst are one offence */
                l->backoff = l->backoff ? l->backoff * 2 : p->o.backoff_ms * MS;
            }
            pause = l->backoff < most ? l->backoff : most;
        }
        l->backoff = l->backoff < most ? l->backoff : most;
        l->quiet_until = now + pause > l->quiet_until ? now + pause : l->quiet_until;
    } else if (status != 0) {
        l->backoff = 0;
    }
    leave(p, turn->address);
    leave(p, l);
    *turn = (struct polite_turn){0};
}

int polite_set_delay(polite *p, str host, int64_t delay_ms)
{
    char key[KEY_MAX];
    struct polite_place *l = join(p, host_key(host, key), p->o.per_host);
    if (!l) {
        return diag_nomem();
    }
    int64_t ms = delay_ms > p->o.delay_max_ms ? p->o.delay_max_ms : delay_ms;
    l->delay = (ms > p->o.delay_ms ? ms : p->o.delay_ms) * MS;
    if (l->users == 1 && l->next_start == 0) { /* robots.txt itself was the first request */
        l->next_start = fiber_now() + l->delay;
    }
    part(p, l);
    return 0;
}
