/* models.h: every table of the product, and all of them as one list, parents first. */
#ifndef WAYMARK_MODELS_MODELS_H
#define WAYMARK_MODELS_MODELS_H

#include "waymark/models/domain.h"
#include "waymark/models/job.h"
#include "waymark/models/page.h"
#include "waymark/models/sitemap_file.h"
#include "waymark/models/tenant.h"

enum { WAYMARK_MODELS = 5 };
extern const st_model *const waymark_models[WAYMARK_MODELS + 1]; /* NULL-terminated */

#endif
