/* decls.h: what stands around the declarations of every public header.
 *
 * Everything is compiled hidden. Functions declared between DECLS_BEGIN and DECLS_END are visible, and so are what
 * libstrata exports; a private header does without the two. In C++ they have C linkage; macros that make compound
 * literals are for C only. */
#ifndef BASE_DECLS_H
#define BASE_DECLS_H

#ifdef __cplusplus
#define DECLS_BEGIN                                    \
    _Pragma("GCC visibility push(default)") extern "C" \
    {
#define DECLS_END \
    }             \
    _Pragma("GCC visibility pop")
#define DECLS_AT_LEAST(n) /* char out[DECLS_AT_LEAST(8)]: eight or more */
#else
#define DECLS_BEGIN _Pragma("GCC visibility push(default)")
#define DECLS_END _Pragma("GCC visibility pop")
#define DECLS_AT_LEAST(n) static n
#endif

/* For a function that some other library calls the same: a program may hold both. */
#define DECLS_OWN_SYMBOL(name) __asm__("base_" #name)

#endif
