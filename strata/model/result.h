/* result.h: mappers of plain result structs, which have columns and nothing else; private to Strata. */
#ifndef STRATA_MODEL_RESULT_H
#define STRATA_MODEL_RESULT_H

#include "strata/model/mapper.h"

/* Makes one in a, its shape without a head. ST_E_INVALID: the descriptor is not that of a result. */
st_err st_mapper_new_result(arena *a, const st_model *m, st_mapper **ret);

#endif
