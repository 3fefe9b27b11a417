#include "waymark/migrations/migrations.h"

#include "waymark/migrations/revisions.h"
#include "waymark/models/models.h"

#define REVISION(name) &name,
static const st_revision *const revisions[] = {
#include "waymark/migrations/revisions.list"
    NULL};
#undef REVISION

const struct st_migrations waymark_migrations = {
    .revisions = revisions, .models = waymark_models, .program = "waymark migrate", .dir = "waymark/migrations"};
