#include "waymark/scrape/versions.h"

#include <curl/curl.h>
#include <expat.h>
#include <stdio.h>
#include <zlib.h>

bool scrape_versions(char *out, size_t size)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    XML_Expat_Version xml = XML_ExpatVersionInfo();
    (void)snprintf(out, size, "libcurl %s (%s), expat %d.%d.%d, zlib %s", v->version,
                   v->ssl_version ? v->ssl_version : "no TLS", xml.major, xml.minor, xml.micro, zlibVersion());
    return v->ssl_version != NULL;
}
