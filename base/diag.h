/* diag.h: what went wrong, beside the negative code that says that something did.
 *
 * A function that fails returns a negative code and leaves a diagnosis with the running fiber (with the
 * thread outside one): the code, a sentence that names the thing and the remedy, where it arose, and what a
 * database said of it. The next failure overwrites it; success does not. Callers on the way up put their own
 * words in front with diag_wrap. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>

#include "base/decls.h"

DECLS_BEGIN

struct diag {
    int code; /* negative; 0: nothing has failed yet */
    int line;
    const char *file; /* static */
    char message[512];
    char hint[256];      /* how to mend it, or empty */
    char sqlstate[6];    /* SQLSTATE, or empty */
    char constraint[64]; /* names as the database gave them, or empty */
    char table[64];
    char column[64];
};

/* The diagnosis of the running fiber or thread; never NULL. */
struct diag *diag_last(void);

/* Starts a new diagnosis; returns code, so that `return diag_set(-EINVAL, "port %d ...", port);` reads well. */
#define diag_set(code, ...) DIAG_NEGATIVE(diag_set_at((code), __FILE__, __LINE__, __VA_ARGS__))
int diag_set_at(int code, const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Out of memory, said without allocating. Returns -ENOMEM. */
#define diag_nomem() DIAG_NEGATIVE(diag_set_at(-ENOMEM, __FILE__, __LINE__, "out of memory"))
void diag_hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Puts "context: " in front of the message; returns the code. */
int diag_wrap(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_clear(void);

/* Tells the static analyzer what diag_set_at asserts: that a failure is not 0. */
#ifdef __clang_analyzer__
#define DIAG_NEGATIVE(call)          \
    __extension__({                  \
        int diag_code_ = (call);     \
        if (diag_code_ >= 0) {       \
            __builtin_unreachable(); \
        }                            \
        diag_code_;                  \
    })
#else
#define DIAG_NEGATIVE(call) (call)
#endif

/* For the fiber runtime: makes slot the place of the diagnosis from here on and returns the former one.
 * NULL goes back to the thread's own. */
struct diag *diag_swap(struct diag *slot);

DECLS_END

#endif
