/* Related rows: loaded when the program says so, by one more query for all of them, and kept in step on both sides. */
#include <stdio.h>
#include <strata/define.h>
#include <strata/strata.h>

typedef struct Album Album;
typedef struct Song {
    st_uuid id, album_id;
    const char *title;
    int32_t track;
    st_ref album;
} Song;
struct Album {
    st_uuid id;
    const char *name;
    st_list songs, tags;
};
typedef struct Tag {
    st_uuid id;
    const char *name;
} Tag;
typedef struct AlbumTag { /* a row says that an album has a tag */
    st_uuid id, album_id, tag_id;
} AlbumTag;
ST_DECLARE(Album);
ST_DECLARE(Tag);
ST_DECLARE(AlbumTag);

#define T Song
ST_MODEL(Song, "songs", COL(id, .pk = true), REF(album_id, Album, .on_delete = ST_CASCADE), COL(title, .max = 80),
         COL(track), ONE(album, Album, album_id));
#undef T
#define T Album
ST_MODEL(Album, "albums", COL(id, .pk = true), COL(name, .max = 80),
         MANY(songs, Song, album_id, .delete_orphan = true), /* a song without its album is nothing */
         MANY_THROUGH(tags, Tag, AlbumTag, album_id, tag_id));
#undef T
#define T Tag
ST_MODEL(Tag, "tags", COL(id, .pk = true), COL(name, .max = 20, .unique = true));
#undef T
#define T AlbumTag
ST_MODEL(AlbumTag, "album_tags", COL(id, .pk = true), REF(album_id, Album), REF(tag_id, Tag));
#undef T
static const st_model *const models[] = {&Album_model, &Song_model, &Tag_model, &AlbumTag_model};

static st_err record(st_engine *e)
{
    static const char *const titles[] = {"Overture", "Interlude", "Finale"};
    ST_SESSION(s, e, .read_only = false);
    const Album *a = st_add(s, Album, .name = "First");
    for (int i = 0; a && i < 3; i++) {
        const Song *song = st_add(s, Song, .title = titles[i], .track = i + 1);
        if (!song || st_append(s, a, songs, song) != 0) { /* its album_id, and both sides */
            return st_session_error(s);
        }
    }
    const Tag *tag = st_add(s, Tag, .name = "live");
    if (!a || !tag || st_append(s, a, tags, tag) != 0) {
        return st_session_error(s);
    }
    return st_commit(s);
}

static void show(st_session *s, const Album *a)
{
    printf("%s:", a->name);
    st_each (Song, song, st_many(s, Album, a, songs)) {
        printf(" %s (of %s)", song->title, st_one(s, Song, song, album, Album)->name);
    }
    st_each (Tag, tag, st_many(s, Album, a, tags)) {
        printf(" [%s]", tag->name);
    }
    printf("\n");
}

static st_err play(st_engine *e)
{
    ST_SESSION(s, e, .read_only = false);
    const Album *a = st_first(
        s, Album, ST_EQ(Album, name, "First"),
        .with = ST_WITH(ST_SELECTIN(Album, songs, .order = ST_ORDER(ST_DESC(Song, track))), ST_SELECTIN(Album, tags)));
    if (!a) {
        return st_session_error(s);
    }
    show(s, a);
    const Song *last = st_many(s, Album, a, songs).items[0];
    st_err rc = st_remove(s, a, songs, last); /* an orphan: deleted */
    if (!rc) {
        show(s, a);
    }
    rc = rc ? rc : st_commit(s);
    rc = rc ? rc : st_delete(s, a); /* its songs go by their foreign key, its tag's row by the session */
    rc = rc ? rc : st_commit(s);
    int64_t songs = -1, tags = -1;
    rc = rc ? rc : st_count(s, Song, NULL, &songs);
    rc = rc ? rc : st_count(s, Tag, NULL, &tags);
    printf("%d songs and %d tag are left\n", (int)songs, (int)tags);
    return rc;
}

static st_err forget_the_loader(st_engine *e)
{
    ST_SESSION(s, e, .read_only = false);
    const Album *a = st_add(s, Album, .name = "Second");
    if (!a || st_commit(s) != 0) {
        return st_session_error(s);
    }
    if (st_many(s, Album, a, songs).err == ST_E_NOT_LOADED) { /* never a hidden query */
        printf("%s: %s\n", diag_last()->message, diag_last()->hint);
    }
    return st_rollback(s);
}

int main(int argc, char **argv)
{
    st_engine *e = NULL;
    st_err rc = st_engine_open(argc > 1 ? argv[1] : "sqlite:///:memory:", NULL, &e);
    rc = rc ? rc : st_create_all(e, models, 4, FIBER_FOREVER);
    rc = rc ? rc : record(e);
    rc = rc ? rc : play(e);
    rc = rc ? rc : forget_the_loader(e);
    if (rc) {
        fprintf(stderr, "relations: %s\n", diag_last()->message);
    }
    st_engine_close(e);
    return rc ? 1 : 0;
}
