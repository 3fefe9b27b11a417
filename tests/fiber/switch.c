/* The switch alone, without a loop, a library or the test framework, so that it runs wherever it can be compiled.
 * Flows of control pass the baton in turn; each keeps more values in hand than there are registers that survive a
 * call, so that one the switch forgets to save shows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fiber/sanitize.h"
#include "fiber/switch.h"

enum { FLOWS = 3, ROUNDS = 10000, STACK = 65536 };

struct flow {
    struct switch_ctx ctx;
    uint64_t seed;
    int rounds;
};

struct table {
    struct flow flow[FLOWS];
    struct switch_ctx home;
};

struct seat {
    struct table *t;
    int i;
};

static void expect(int ok, const char *what)
{
    if (!ok) {
        printf("not ok 1 - %s\n1..1\n", what);
        exit(1);
    }
}

static void pass_on(struct table *t, int i)
{
    switch_to(&t->flow[i].ctx, &t->flow[(i + 1) % FLOWS].ctx);
}

static void run(void *arg)
{
    const struct seat *seat = arg;
    struct table *t = seat->t;
    int i = seat->i;
    struct flow *f = &t->flow[i];
    _Alignas(16) volatile char aligned[16] = {0};
    expect((uintptr_t)aligned % 16 == 0, "the stack is not aligned");
    uint64_t a = f->seed, b = a * 3, c = a * 5, d = a * 7, e = a * 11, g = a * 13, h = a * 17, j = a * 19;
    double p = (double)a, q = p * 3, r = p * 5, s = p * 7, u = p * 11, v = p * 13, w = p * 17, x = p * 19;
    while (f->rounds > 0) {
        f->rounds--;
        pass_on(t, i);
        a += 1, b += 3, c += 5, d += 7, e += 11, g += 13, h += 17, j += 19;
        p += 1, q += 3, r += 5, s += 7, u += 11, v += 13, w += 17, x += 19;
        expect(b == a * 3 && c == a * 5 && d == a * 7 && e == a * 11 && g == a * 13 && h == a * 17 && j == a * 19,
               "an integer register changed");
        expect(p > (double)a - 0.5 && p < (double)a + 0.5 && q + r + s + u + v + w + x > p * 75 - 0.5 &&
                   q + r + s + u + v + w + x < p * 75 + 0.5,
               "a floating-point register changed");
    }
    expect(a == f->seed + ROUNDS, "a round was lost");
    if (i == FLOWS - 1) {
        switch_to(&f->ctx, &t->home);
    } else {
        pass_on(t, i);
    }
    abort();
}

int main(void)
{
    struct table t = {0};
    struct seat seats[FLOWS];
    char *stacks[FLOWS];
    unsigned known[FLOWS]; /* to valgrind, as stacks */
    for (int i = 0; i < FLOWS; i++) {
        stacks[i] = malloc(STACK);
        expect(stacks[i] != NULL, "out of memory");
        known[i] = STACK_REGISTER(stacks[i], stacks[i] + STACK);
        seats[i] = (struct seat){&t, i};
        t.flow[i].seed = (uint64_t)i * 1000 + 1;
        t.flow[i].rounds = ROUNDS;
        switch_make(&t.flow[i].ctx, stacks[i], STACK, run, &seats[i]);
    }
    switch_to(&t.home, &t.flow[0].ctx);
    for (int i = 0; i < FLOWS; i++) {
        expect(t.flow[i].rounds == 0, "a flow did not end");
        STACK_DEREGISTER(known[i]);
        free(stacks[i]);
    }
    puts("ok 1 - registers and stacks survive 30,000 switches\n1..1");
    return 0;
}
