#include "base/uuid.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

/* What follows the timestamp: a 32-bit counter in rand_a and the upper rand_b, then 42 random bits. The counter
 * starts each millisecond at a random value below 2^31, so 2^31 identifiers fit before it runs over. */
enum { POOL_SIZE = 512, RANDOM_TAIL = 6 };

struct generator {
    uint64_t ms;
    uint32_t counter;
    uint32_t left; /* unused bytes at the end of pool */
    uint8_t pool[POOL_SIZE];
};

static _Thread_local struct generator generator;

/* A forked child would repeat the parent's pool and counter; only the forking thread lives on in it. */
static void forget_after_fork(void)
{
    memset(&generator, 0, sizeof generator);
}

static void fill(uint8_t *p, size_t len)
{
    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno != EINTR) {
            abort(); /* no randomness, so no unique identifiers: nothing right can follow */
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

static void take(struct generator *g, uint8_t *out, size_t len)
{
    assert(len <= POOL_SIZE);
    if (g->left < len) {
        fill(g->pool, sizeof g->pool);
        g->left = POOL_SIZE;
    }
    memcpy(out, g->pool + (POOL_SIZE - g->left), len);
    g->left -= (uint32_t)len;
}

static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, forget_after_fork) != 0) {
        abort();
    }
}

uuid uuid_v7(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct generator *g = &generator;
    if (__builtin_expect(g->ms == 0, 0)) {
        (void)pthread_once(&once, watch_forks);
    }
    int64_t us = clock_wall_us();
    uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 1;
    if (ms <= g->ms && g->counter == UINT32_MAX) {
        ms = g->ms + 1;
    }
    if (ms > g->ms) {
        uint32_t start;
        take(g, (uint8_t *)&start, sizeof start);
        g->ms = ms;
        g->counter = start >> 1;
    } else {
        g->counter++;
    }
    uuid u;
    take(g, u.b + 10, RANDOM_TAIL);
    for (int i = 0; i < 6; i++) {
        u.b[i] = (uint8_t)(g->ms >> (40 - 8 * i));
    }
    u.b[6] = (uint8_t)(0x70 | g->counter >> 28);
    u.b[7] = (uint8_t)(g->counter >> 20);
    u.b[8] = (uint8_t)(0x80 | (g->counter >> 14 & 0x3f));
    u.b[9] = (uint8_t)(g->counter >> 6);
    u.b[10] = (uint8_t)((g->counter & 0x3f) << 2 | (u.b[10] & 3));
    return u;
}

bool uuid_parse(str s, uuid *ret)
{
    if (s.len == UUID_TEXT_LEN + 2 && s.p[0] == '{' && s.p[s.len - 1] == '}') {
        s = str_n(s.p + 1, UUID_TEXT_LEN);
    } else if (s.len == UUID_TEXT_LEN + 9 && str_starts_nocase(s, STR("urn:uuid:"))) {
        s = str_from(s, 9);
    }
    if (s.len != UUID_TEXT_LEN) {
        return false;
    }
    uuid u;
    size_t n = 0;
    for (size_t i = 0; i < UUID_TEXT_LEN;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s.p[i++] != '-') {
                return false;
            }
            continue;
        }
        int hi = ascii_hex(s.p[i]), lo = ascii_hex(s.p[i + 1]);
        if (hi < 0 || lo < 0) {
            return false;
        }
        u.b[n++] = (uint8_t)(hi << 4 | lo);
        i += 2;
    }
    assert(n == sizeof u.b);
    *ret = u;
    return true;
}

void uuid_format(uuid u, char out[static UUID_TEXT_LEN + 1])
{
    static const char digits[16] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < sizeof u.b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = digits[u.b[i] >> 4];
        *at++ = digits[u.b[i] & 15];
    }
    *at = '\0';
    assert(at - out == UUID_TEXT_LEN);
}
