#include <assert.h>
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "waymark/scrape/fetch_impl.h"

static const struct {
    const char *name, *text;
    int code;
} outcomes[FETCH_OUTCOMES] = {
    [FETCH_OK] = {"ok", "the response came", 0},
    [FETCH_NOT_MODIFIED] = {"not_modified", "it has not changed since the last time", 0},
    [FETCH_HTTP] = {"http_status", "the server answered with a status other than success", 0},
    [FETCH_BAD_URL] = {"bad_url", "the URL cannot be parsed", -EINVAL},
    [FETCH_BAD_SCHEME] = {"bad_scheme", "only http and https are fetched", -EINVAL},
    [FETCH_USERINFO] = {"userinfo", "the URL holds a user name or password", -EINVAL},
    [FETCH_DENIED_PORT] = {"denied_port", "the port is closed to requests", -EACCES},
    [FETCH_DENIED_ADDRESS] = {"denied_address", "the host is, or has, an address that is not public", -EACCES},
    [FETCH_HELD_BACK] = {"held_back", "the host wants to be left alone for longer than there is time", -EBUSY},
    [FETCH_DNS_NO_NAME] = {"dns_no_name", "there is no such host name", -ENOENT},
    [FETCH_DNS_FAILED] = {"dns_failed", "the name service gave no answer", -EAGAIN},
    [FETCH_CONNECT] = {"connect_failed", "no connection could be made", -ECONNREFUSED},
    [FETCH_TLS_EXPIRED] = {"tls_expired", "the certificate has expired", -EPROTO},
    [FETCH_TLS_NOT_YET_VALID] = {"tls_not_yet_valid", "the certificate is not valid yet", -EPROTO},
    [FETCH_TLS_WRONG_NAME] = {"tls_wrong_name", "the certificate is for another name", -EPROTO},
    [FETCH_TLS_SELF_SIGNED] = {"tls_self_signed", "the certificate is signed by itself", -EPROTO},
    [FETCH_TLS_UNTRUSTED] = {"tls_untrusted", "the certificate's issuer is not known", -EPROTO},
    [FETCH_TLS] = {"tls_failed", "the TLS handshake failed", -EPROTO},
    [FETCH_TIMEOUT_CONNECT] = {"timeout_connect", "no connection in time", -ETIMEDOUT},
    [FETCH_TIMEOUT_FIRST_BYTE] = {"timeout_first_byte", "no response in time", -ETIMEDOUT},
    [FETCH_TIMEOUT_TOTAL] = {"timeout_total", "not finished in time", -ETIMEDOUT},
    [FETCH_EMPTY_REPLY] = {"empty_reply", "the server closed the connection without an answer", -ECONNRESET},
    [FETCH_PROTOCOL] = {"protocol_error", "the answer is not proper HTTP", -EPROTO},
    [FETCH_TOO_MANY_HEADERS] = {"too_many_headers", "the response has too many header lines", -E2BIG},
    [FETCH_HEADERS_TOO_LARGE] = {"headers_too_large", "the response's headers are too large", -E2BIG},
    [FETCH_TOO_MANY_INTERIM] = {"too_many_interim", "too many interim (1xx) responses came first", -E2BIG},
    [FETCH_REDIRECT_LOOP] = {"redirect_loop", "the redirects go round in a circle", -ELOOP},
    [FETCH_REDIRECT_FLAPPING] = {"redirect_flapping", "the redirects go to and fro between http and https", -ELOOP},
    [FETCH_TOO_MANY_REDIRECTS] = {"too_many_redirects", "there are too many redirects", -ELOOP},
    [FETCH_TOO_MANY_ENCODINGS] = {"too_many_encodings", "the body is encoded too many times over", -EBADMSG},
    [FETCH_UNKNOWN_ENCODING] = {"unknown_encoding", "the body has an encoding that was not asked for", -EBADMSG},
    [FETCH_BAD_ENCODING] = {"bad_encoding", "the body is not of the encoding it claims", -EBADMSG},
    [FETCH_TOO_LARGE] = {"too_large", "the body is larger than allowed", -E2BIG},
    [FETCH_RATIO] = {"ratio", "the body expands to too many times its size", -E2BIG},
    [FETCH_TOO_SLOW] = {"too_slow", "the body came too slowly", -ETIMEDOUT},
    [FETCH_TRUNCATED] = {"truncated", "the body ended before its end", -ECONNRESET},
    [FETCH_CONNECTION_LOST] = {"connection_lost", "the connection broke", -ECONNRESET},
    [FETCH_CANCELLED] = {"cancelled", "it was cancelled", -ECANCELED},
    [FETCH_NO_MEMORY] = {"no_memory", "memory ran out", -ENOMEM},
};

const char *fetch_outcome_name(enum fetch_outcome o)
{
    assert((unsigned)o < FETCH_OUTCOMES);
    return outcomes[o].name;
}

const char *fetch_outcome_text(enum fetch_outcome o)
{
    assert((unsigned)o < FETCH_OUTCOMES);
    return outcomes[o].text;
}

int outcome_code(enum fetch_outcome o)
{
    assert((unsigned)o < FETCH_OUTCOMES);
    return outcomes[o].code;
}

/* ---- what libcurl and OpenSSL say ---- */

static enum fetch_outcome of_certificate(long verify_result)
{
    switch (verify_result) {
    case X509_V_OK:              /* the chain is good, so it is the name; libcurl 7.88 leaves the other code */
    case X509_V_ERR_UNSPECIFIED: /* in place then */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return FETCH_TLS_WRONG_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return FETCH_TLS_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return FETCH_TLS_NOT_YET_VALID;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return FETCH_TLS_SELF_SIGNED;
    default:
        return FETCH_TLS_UNTRUSTED;
    }
}

enum fetch_outcome outcome_of(CURL *easy, CURLcode code, bool asked)
{
    long verify = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum" /* a hundred codes, most of other protocols */
    switch (code) {
    case CURLE_OK:
        return FETCH_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_URL_MALFORMAT:
        return FETCH_BAD_URL;
    case CURLE_COULDNT_CONNECT:
        return FETCH_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return asked ? FETCH_TIMEOUT_TOTAL : FETCH_TIMEOUT_CONNECT;
    case CURLE_PEER_FAILED_VERIFICATION:
        (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
        return of_certificate(verify);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return FETCH_TLS;
    case CURLE_GOT_NOTHING:
        return FETCH_EMPTY_REPLY;
    case CURLE_PARTIAL_FILE:
        return FETCH_TRUNCATED;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2_STREAM:
        return FETCH_CONNECTION_LOST;
    case CURLE_OUT_OF_MEMORY:
        return FETCH_NO_MEMORY;
    default:
        return FETCH_PROTOCOL;
    }
#pragma GCC diagnostic pop
}
