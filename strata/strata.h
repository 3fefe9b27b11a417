/* strata.h: all of Strata but define.h, which only files that define models include. */
#ifndef STRATA_STRATA_H
#define STRATA_STRATA_H

#include "base/mem.h"
#include "strata/engine.h"
#include "strata/expr.h"
#include "strata/hooks.h"
#include "strata/json.h"
#include "strata/migrate.h"
#include "strata/model.h"
#include "strata/plain.h"
#include "strata/select.h"
#include "strata/session.h"
#include "strata/stream.h"
#include "strata/term.h"
#include "strata/types.h"

#endif
