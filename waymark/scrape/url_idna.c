/* Names outside ASCII, by UTS 46 as browsers apply it (non-transitional), through libidn2. */
#include <idn2.h>

#include "waymark/scrape/url_impl.h"

/* Longer input cannot come down to the 253 bytes that DNS allows, short of padding. */
enum { INPUT_MAX = 1024, NAME_MAX_BYTES = 253, LABEL_POINTS = 63, FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL };

static int url_error(int rc)
{
    switch (rc) {
    case IDN2_OK:
        return URL_OK;
    case IDN2_MALLOC:
        return URL_NOMEM;
    case IDN2_TOO_BIG_DOMAIN:
    case IDN2_TOO_BIG_LABEL:
    case IDN2_PUNYCODE_BIG_OUTPUT:
        return URL_HOST_TOO_LONG;
    default:
        return URL_HOST_IDNA;
    }
}

/* ---- symbols ----
 * IDNA 2008 disallows them, UTS 46 and therefore browsers do not, and libidn2 refuses them as characters while it
 * accepts them in "xn--" labels, whose characters it still checks by UTS 46. So a refused label is turned into that
 * form and offered again. */

/* The code points of UTF-8 without variation selector 16, which UTS 46 drops. Their number, or -1 also for the joiners,
 * which no rule permits beside symbols. */
static int decode_label(str s, uint32_t points[static LABEL_POINTS])
{
    int n = 0;
    if (!str_is_utf8(s)) {
        return -1;
    }
    for (size_t i = 0; i < s.len;) {
        uint8_t lead = (uint8_t)s.p[i++];
        unsigned more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        uint32_t point = more ? lead & (0x3fU >> more) : lead;
        while (more--) {
            point = point << 6 | ((uint8_t)s.p[i++] & 0x3f);
        }
        if (point == 0xfe0f) {
            continue;
        }
        if (n == LABEL_POINTS || point == 0x200c || point == 0x200d) {
            return -1;
        }
        points[n++] = point;
    }
    return n;
}

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 0x80 };

static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
    uint32_t k = 0;
    delta = delta / (first ? DAMP : 2U);
    delta += delta / count;
    for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE) {
        delta /= BASE - T_MIN;
    }
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static bool put_digits(buf *to, uint32_t delta, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
        bool last = delta < t;
        uint32_t digit = last ? delta : t + (delta - t) % (BASE - t);
        (void)buf_put_char(to, (char)(digit < 26 ? 'a' + digit : '0' + digit - 26));
        if (last) {
            return to->err == 0;
        }
        delta = (delta - t) / (BASE - t);
    }
}

/* Punycode (RFC 3492 section 6.3). Deltas fit 32 bits, since there are at most 63 code points below 2^21. */
static void encode_label(buf *to, const uint32_t *points, uint32_t n)
{
    uint32_t done = 0, next = FIRST, delta = 0, bias = BIAS;
    for (uint32_t i = 0; i < n; i++) {
        if (points[i] < FIRST) {
            (void)buf_put_char(to, (char)points[i]);
            done++;
        }
    }
    const uint32_t basic = done;
    if (basic) {
        (void)buf_put_char(to, '-');
    }
    while (done < n) {
        uint32_t least = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++) {
            least = points[i] >= next && points[i] < least ? points[i] : least;
        }
        delta += (least - next) * (done + 1);
        next = least;
        for (uint32_t i = 0; i < n; i++) {
            delta += points[i] < next;
            if (points[i] == next) {
                if (!put_digits(to, delta, bias)) {
                    return;
                }
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done++;
            }
        }
        delta++;
        next++;
    }
}

/* Appends the ASCII form of a label that holds symbols. */
static int put_symbols(buf *to, str label)
{
    uint32_t points[LABEL_POINTS];
    uint8_t *ascii = NULL;
    BUF_AUTO buf b;
    int n = decode_label(label, points);
    buf_init(&b, INPUT_MAX);
    (void)buf_puts(&b, "xn--");
    encode_label(&b, points, n > 0 ? (uint32_t)n : 0);
    if (b.err || n <= 0) {
        return b.err == -ENOMEM ? URL_NOMEM : URL_HOST_IDNA;
    }
    int rc = url_error(idn2_lookup_u8((const uint8_t *)b.p, &ascii, FLAGS | IDN2_NO_ALABEL_ROUNDTRIP));
    if (rc == 0) {
        (void)buf_puts(to, (const char *)ascii);
        idn2_free(ascii);
    }
    return rc;
}

/* Appends the ASCII form of any label. */
static int put_label(buf *to, str label)
{
    char text[INPUT_MAX + 1], *decoded = NULL;
    uint8_t *ascii = NULL;
    assert(label.len <= INPUT_MAX);
    memcpy(text, label.p, label.len);
    text[label.len] = '\0';
    int rc = label.len ? idn2_lookup_u8((const uint8_t *)text, &ascii, FLAGS) : IDN2_OK;
    if (rc == IDN2_OK) {
        (void)buf_puts(to, ascii ? (const char *)ascii : "");
        idn2_free(ascii);
        return URL_OK;
    }
    if (rc != IDN2_DISALLOWED || !str_starts(label, STR("xn--"))) {
        return rc == IDN2_DISALLOWED ? put_symbols(to, label) : url_error(rc);
    }
    rc = url_error(idn2_to_unicode_8z8z(text, &decoded, 0));
    if (rc == 0) {
        size_t from = to->len;
        rc = put_symbols(to, str_of(decoded));
        idn2_free(decoded);
        if (rc == 0 && to->err == 0 && !str_eq(str_from(buf_str(to), from), label)) {
            rc = URL_HOST_IDNA;
        }
    }
    return rc;
}

/* Cuts at the next dot or what UTS 46 maps to one. */
static str cut_label(str *rest)
{
    for (size_t i = 0; i < rest->len; i++) {
        str at = str_from(*rest, i);
        size_t dot = at.p[0] == '.' ? 1
                     : str_starts(at, STR("\u3002")) || str_starts(at, STR("\uff0e")) || str_starts(at, STR("\uff61"))
                         ? 3
                         : 0;
        if (dot) {
            str label = str_n(rest->p, i);
            *rest = str_n(rest->p + i + dot, rest->len - i - dot);
            return label;
        }
    }
    str label = *rest;
    *rest = (str){NULL, 0};
    return label;
}

static int put_labels(buf *to, str host)
{
    int rc = 0;
    for (bool first = true; host.p && rc == 0; first = false) {
        if (!first) {
            (void)buf_put_char(to, '.');
        }
        rc = put_label(to, cut_label(&host));
        rc = rc ? rc : to->err == -E2BIG ? URL_HOST_TOO_LONG : to->err;
    }
    return rc;
}

bool url_needs_idna(str host, bool plain)
{
    bool needs = !plain;
    while (!needs && host.p) {
        needs = str_starts(str_cut(&host, '.'), STR("xn--"));
    }
    return needs;
}

int url_idna(char *host, size_t room, size_t *len)
{
    uint8_t *ascii = NULL;
    if (memchr(host, '\0', *len)) {
        return URL_HOST_CHARACTER;
    }
    if (*len > INPUT_MAX) {
        return URL_HOST_TOO_LONG;
    }
    BUF_AUTO buf b;
    buf_init(&b, NAME_MAX_BYTES + 1); /* a dot at the end */
    int rc = idn2_lookup_u8((const uint8_t *)host, &ascii, FLAGS);
    if (rc == IDN2_OK) {
        (void)buf_puts(&b, (const char *)ascii);
        idn2_free(ascii);
    } else if (rc == IDN2_DISALLOWED) {
        rc = put_labels(&b, str_n(host, *len));
    } else {
        rc = url_error(rc);
    }
    if (rc == 0 && (b.err || b.len >= room)) {
        rc = b.err == -ENOMEM ? URL_NOMEM : URL_HOST_TOO_LONG;
    }
    if (rc == 0) {
        memcpy(host, b.p, b.len + 1);
        *len = b.len;
    }
    return rc;
}
