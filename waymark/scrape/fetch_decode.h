/* fetch_decode.h: undoes the content codings of a body, as its reader asks for bytes.
 *
 * libcurl could decode too, but only as fast as the network sends: a paused transfer then holds everything that one
 * received buffer expands to, which is megabytes for gzip and gigabytes for brotli and zstd. Pulled by the reader, a
 * bomb costs what was read of it and each coding's window (gzip 32 KiB, brotli 16 MiB and zstd 8 MiB at the most). */
#ifndef WAYMARK_SCRAPE_FETCH_DECODE_H
#define WAYMARK_SCRAPE_FETCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct decoder decoder;

/* What to send as Accept-Encoding. */
#define DECODER_ACCEPTS "gzip, deflate, br, zstd"

/* content_encoding as the response has it, in the order applied; "identity" and empty elements do not count. Returns 0
 * and a decoder, or NULL in *ret when there is nothing to undo; -ENOTSUP for an unknown coding; -E2BIG for more than
 * max; -ENOMEM. */
int decoder_new(str content_encoding, unsigned max, decoder **ret);
void decoder_free(decoder *d); /* NULL is fine */

/* Decodes from *in to out until out is full or *in is used up, and moves *in past what it took. Returns the number of
 * bytes written (0: needs more input, or has ended); -EBADMSG for what is not of the coding; -ENOMEM. */
ptrdiff_t decoder_run(decoder *d, str *in, void *out, size_t room);
/* Whether every coding has seen its end, so that the body may stop here. */
bool decoder_ended(const decoder *d);

#endif
