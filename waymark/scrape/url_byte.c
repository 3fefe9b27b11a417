#include "waymark/scrape/url_impl.h"

enum {
    F = BYTE_FRAGMENT,
    Q = BYTE_QUERY,
    P = BYTE_PATH | BYTE_NOT_PLAIN,
    U = BYTE_USERINFO,
    H = BYTE_NOT_HOST,
    N = BYTE_NOT_PLAIN,
    R = BYTE_UNRESERVED,
    D = BYTE_DELIMITER,
};

const uint8_t url_byte[256] = {
    [0 ... 0x1f] = F | Q | P | U | H,
    [' '] = F | Q | P | U | H,
    ['"'] = F | Q | P | U,
    ['#'] = Q | P | U | H | D,
    ['%'] = H | N,
    ['\''] = Q,
    ['-'] = R,
    ['.'] = R | N, /* may be a dot segment, or end a label */
    ['/'] = U | H | D,
    ['0' ... '9'] = R,
    [':'] = U | H,
    [';'] = U,
    ['<'] = F | Q | P | U | H,
    ['='] = U,
    ['>'] = F | Q | P | U | H,
    ['?'] = P | U | H | D,
    ['@'] = U | H,
    ['A' ... 'Z'] = R,
    ['['] = U | H,
    ['\\'] = U | H | N | D, /* stands for a slash */
    [']'] = U | H,
    ['^'] = P | U | H,
    ['_'] = R,
    ['`'] = F | P | U,
    ['a' ... 'z'] = R,
    ['{'] = P | U,
    ['|'] = U | H,
    ['}'] = P | U,
    ['~'] = R,
    [0x7f] = F | Q | P | U | H,
    [0x80 ... 0xff] = F | Q | P | U,
};

void url_out_escaped(struct url_out *o, str s, unsigned set)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (__builtin_expect((url_byte[c] & set) == 0, 1)) {
            url_out_char(o, s.p[i]);
        } else {
            url_out_char(o, '%');
            url_out_char(o, hex[c >> 4]);
            url_out_char(o, hex[c & 15]);
        }
    }
}
