/* field.h: members of structs, as both drivers see them. */
#ifndef STRATA_ENGINE_FIELD_H
#define STRATA_ENGINE_FIELD_H

#include "strata/engine/driver.h"

const char *st_type_name(enum st_type type); /* "text", "uuid", ...; never NULL */
/* Where .set lies in the nullable form of a scalar, counted from the member; 0: null is a NULL pointer. */
uint8_t st_field_set_at(enum st_type type);
/* False when the enum has no such name. */
bool st_enum_find(const struct st_enum *of, const char *name, size_t len, unsigned *ret);

#endif
