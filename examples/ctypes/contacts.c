/* The model for contacts.py, and what only C can say of it: conditions.
 *
 *     cc -shared -fPIC -o libcontacts.so contacts.c $(pkg-config --cflags --libs strata) */
#include <strata/define.h>
#include <strata/strata.h>

typedef struct Contact {
    st_uuid tenant_id, id;
    const char *name;
    const char *email;
    st_opt_int32 born;
} Contact;

#define T Contact
ST_MODEL(Contact, "contacts", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name, .max = 80),
         COL(email, .null = true, .pattern = "[^@]+@[^@]+"), COL(born));
#undef T

st_err contacts_born_before(st_session *s, int32_t year, const void *const **ret, size_t *ret_n)
{
    return st_plain_select(s, &Contact_model, ST_LT(Contact, born, year), 0, ret, ret_n);
}
