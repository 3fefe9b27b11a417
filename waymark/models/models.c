#include "waymark/models/models.h"

const st_model *const waymark_models[WAYMARK_MODELS + 1] = {&Tenant_model,      &Domain_model, &Job_model,
                                                            &SitemapFile_model, &Page_model,   NULL};
