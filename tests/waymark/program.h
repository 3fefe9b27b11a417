/* program.h: the built program as a person runs it. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "base/buf.h"

/* Runs it with these arguments, a shell's words, and that standard input. out becomes what it wrote to standard output
 * and standard error; returns its exit status. */
int program(const char *args, str input, buf *out);

#endif
