/* Which parameters only say where a visitor came from or who they are. */
#include "waymark/scrape/url_impl.h"

/* Lower case; a name that ends in '*' stands for all that start so. */
static const char *const tracking[] = {
    /* campaigns, and Matomo's names for them */
    "utm_*", "mtm_*", "piwik_*", "pk_campaign", "pk_content", "pk_keyword", "pk_kwd", "pk_medium", "pk_source",
    /* click ids of advertisers and social networks */
    "gclid", "gclsrc", "gbraid", "wbraid", "gad_source", "gad_campaignid", "dclid", "srsltid", "fbclid", "msclkid",
    "yclid", "ysclid", "twclid", "ttclid", "li_fat_id", "igshid", "igsh", "epik", "rb_clickid", "wickedid", "_openstat",
    /* analytics and mail */
    "_ga", "_gl", "_kx", "s_cid", "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp",
    "hsctatracking", "vero_id", "vero_conv", "oly_anon_id", "oly_enc_id"};
static const char *const session[] = {"phpsessid",  "jsessionid", "aspsessionid*", "sid",   "sessid", "sessionid",
                                      "session_id", "cfid",       "cftoken",       "zenid", "oscsid", "xtcsid"};

static bool is_listed(str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        str entry = str_of(list[i]);
        bool prefix = entry.p[entry.len - 1] == '*';
        entry.len -= prefix;
        if (prefix ? str_starts_nocase(name, entry) : str_eq_nocase(name, entry)) {
            return true;
        }
    }
    return false;
}

bool url_drops_parameter(str name, unsigned flags)
{
    return ((flags & URL_DROP_TRACKING) && is_listed(name, tracking, sizeof tracking / sizeof *tracking)) ||
           ((flags & URL_DROP_SESSION) && is_listed(name, session, sizeof session / sizeof *session));
}

static str name_of(str parameter)
{
    return str_cut(&parameter, '=');
}

static size_t keep(char *p, size_t n, str s)
{
    if (s.len) {
        memmove(p + n, s.p, s.len);
    }
    return n + s.len;
}

/* ";jsessionid=..." goes from each segment; what would then be a dot segment stays as it was. */
static size_t drop_path(char *p, size_t len, unsigned flags)
{
    size_t n = 0;
    str rest = str_n(p, len);
    for (bool first = true; rest.p; first = false) {
        str segment = str_cut(&rest, '/'), parameters = segment, head = str_cut(&parameters, ';');
        bool dots = str_eq(head, STR(".")) || str_eq(head, STR(".."));
        if (!first) {
            p[n++] = '/';
        }
        if (dots) {
            n = keep(p, n, segment);
            continue;
        }
        n = keep(p, n, head);
        while (parameters.p) {
            str parameter = str_cut(&parameters, ';');
            if (!url_drops_parameter(name_of(parameter), flags)) {
                p[n++] = ';';
                n = keep(p, n, parameter);
            }
        }
    }
    return n;
}

static size_t drop_query(char *p, size_t len, unsigned flags)
{
    size_t n = 0;
    str rest = str_n(p, len);
    for (bool first = true; rest.p;) {
        str parameter = str_cut(&rest, '&');
        if (!url_drops_parameter(name_of(parameter), flags)) {
            if (!first) {
                p[n++] = '&';
            }
            first = false;
            n = keep(p, n, parameter);
        }
    }
    return n;
}

size_t url_drop(char *href, size_t len, size_t path_at, unsigned flags)
{
    assert(path_at < len);
    char *path = href + path_at, *question = memchr(path, '?', len - path_at);
    size_t path_len = question ? (size_t)(question - path) : len - path_at;
    size_t n = path_at + drop_path(path, path_len, flags & URL_DROP_SESSION);
    if (question) {
        size_t query_len = len - path_at - path_len - 1;
        size_t left = drop_query(question + 1, query_len, flags);
        if (left || left == query_len) {
            href[n] = '?';
            memmove(href + n + 1, question + 1, left);
            n += 1 + left;
        }
    }
    assert(n <= len);
    return n;
}
