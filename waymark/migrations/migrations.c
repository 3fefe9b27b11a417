#include "waymark/migrations/migrations.h"

#include "waymark/migrations/revisions.h"
#include "waymark/models/models.h"

static const st_revision *const revisions[] = {&rev_20261122_first_tables, NULL};

const struct st_migrations waymark_migrations = {
    .revisions = revisions, .models = waymark_models, .program = "waymark migrate"};
