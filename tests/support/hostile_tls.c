#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostile_impl.h"

enum { DAY = 24 * 3600 };

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

static void check(bool ok)
{
    if (!ok) {
        ERR_print_errors_fp(stderr);
        hostile_die("TLS");
    }
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    check(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

/* A certificate for name, valid from..to seconds from now, signed by issuer (NULL: by itself). */
static struct identity make(const char *name, const char *alt, long from, long to, const struct identity *issuer)
{
    struct identity id = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    check(id.key && id.cert);
    check(X509_set_version(id.cert, 2) &&
          ASN1_INTEGER_set_uint64(X509_get_serialNumber(id.cert), 1 + (uint64_t)alt[0]));
    check(X509_gmtime_adj(X509_getm_notBefore(id.cert), from) && X509_gmtime_adj(X509_getm_notAfter(id.cert), to));
    X509_NAME *subject = X509_get_subject_name(id.cert);
    check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
    check(X509_set_issuer_name(id.cert, issuer ? X509_get_subject_name(issuer->cert) : subject));
    check(X509_set_pubkey(id.cert, id.key));
    if (strcmp(alt, "CA") == 0) {
        extend(id.cert, NID_basic_constraints, "critical,CA:TRUE");
        extend(id.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        extend(id.cert, NID_subject_alt_name, alt);
    }
    check(X509_sign(id.cert, issuer ? issuer->key : id.key, EVP_sha256()) > 0);
    return id;
}

static void identity_free(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
}

static SSL_CTX *context(const struct identity *id)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    check(ctx && SSL_CTX_use_certificate(ctx, id->cert) == 1 && SSL_CTX_use_PrivateKey(ctx, id->key) == 1);
    return ctx;
}

enum { EXPIRED, EARLY, SELF, UNKNOWN, WRONG, CERTS };
static const char *const names[CERTS] = {"expired.test", "early.test", "self.test", "unknown.test", "wrong.test"};

static int choose(SSL *ssl, int *alert, void *arg)
{
    SSL_CTX *const *by_name = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name && strcmp(name, "broken.test") == 0) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    for (size_t i = 0; name && i < CERTS; i++) {
        if (strcmp(name, names[i]) == 0) {
            (void)SSL_set_SSL_CTX(ssl, by_name[i]);
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *hostile_tls(int ca_fd)
{
    static SSL_CTX *by_name[CERTS]; /* for the life of the child */
    struct identity ca = make("Test CA", "CA", -DAY, DAY, NULL);
    struct identity stranger = make("Stranger CA", "CA", -DAY, DAY, NULL);
    struct identity good = make("site.test", "DNS:site.test,DNS:other.test,IP:127.0.0.1", -DAY, DAY, &ca);
    struct identity bad[CERTS] = {
        [EXPIRED] = make("expired.test", "DNS:expired.test", -2 * DAY, -DAY, &ca),
        [EARLY] = make("early.test", "DNS:early.test", DAY, 2 * DAY, &ca),
        [SELF] = make("self.test", "DNS:self.test", -DAY, DAY, NULL),
        [UNKNOWN] = make("unknown.test", "DNS:unknown.test", -DAY, DAY, &stranger),
        [WRONG] = make("elsewhere.example", "DNS:elsewhere.example", -DAY, DAY, &ca),
    };
    BIO *pem = BIO_new(BIO_s_mem());
    char *text;
    check(pem && PEM_write_bio_X509(pem, ca.cert) == 1);
    long n = BIO_get_mem_data(pem, &text);
    check(write(ca_fd, text, (size_t)n) == n);
    BIO_free(pem);
    SSL_CTX *ctx = context(&good);
    for (size_t i = 0; i < CERTS; i++) {
        by_name[i] = context(&bad[i]);
        identity_free(&bad[i]);
    }
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, choose);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, by_name);
    identity_free(&ca);
    identity_free(&stranger);
    identity_free(&good);
    return ctx;
}
