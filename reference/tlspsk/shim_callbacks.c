/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL calls during a handshake. Keys come from Go and are cleansed here. */
#include "shim.h"
#include <string.h>
#include <openssl/crypto.h>
#include "_cgo_export.h"

static tp_conn *conn_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* TLS 1.2 and before; the hint is ignored as RFC 4279 section 5.2 demands. */
unsigned int tp_psk_client(SSL *ssl, const char *hint, char *id, unsigned int id_max,
			   unsigned char *key, unsigned int key_max)
{
	(void)hint;
	return tlspskClientKey(conn_of(ssl)->calls, id, id_max, key, key_max);
}

/* Whom a ticket will be for. */
static void came_as(tp_conn *c, const void *id, size_t len)
{
	if (len >= sizeof c->identity)
		len = 0;
	memcpy(c->identity, id, len);
	c->identity[len] = 0;
}

/* A ticket carries the identity: OpenSSL keeps none of an external key of TLS 1.3. */
int tp_ticket_made(SSL *ssl, void *arg)
{
	const char *id = conn_of(ssl)->identity;

	(void)arg;
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), id, strlen(id));
}

SSL_TICKET_RETURN tp_ticket_taken(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len,
				  SSL_TICKET_STATUS status, void *arg)
{
	void *id;
	size_t len;

	(void)name;
	(void)name_len;
	(void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (!SSL_SESSION_get0_ticket_appdata(session, &id, &len))
		return SSL_TICKET_RETURN_ABORT;
	came_as(conn_of(ssl), id, len);
	conn_of(ssl)->by_ticket = 1;
	return SSL_TICKET_RETURN_USE;
}

/* Returning 0 sends unknown_psk_identity. */
unsigned int tp_psk_server(SSL *ssl, const char *id, unsigned char *key, unsigned int key_max)
{
	if (SSL_version(ssl) >= TLS1_3_VERSION || !id)
		return 0; /* TLS 1.3 asks here too, after tp_psk_find has said no */
	came_as(conn_of(ssl), id, strlen(id));
	return tlspskServerKey(conn_of(ssl)->calls, (char *)id, strlen(id), key, key_max);
}

static const SSL_CIPHER *first_tls13(SSL *ssl)
{
	STACK_OF(SSL_CIPHER) *list = SSL_get_ciphers(ssl);

	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		const SSL_CIPHER *s = sk_SSL_CIPHER_value(list, i);
		if (strcmp(SSL_CIPHER_get_version(s), "TLSv1.3") == 0)
			return s;
	}
	return NULL;
}

/* An external PSK is a session that was never negotiated (RFC 8446 section 4.2.11). Its suite
 * names the hash, always SHA-256 here, and encrypts early data. */
static SSL_SESSION *external_session(SSL *ssl, const unsigned char *key, size_t len)
{
	const SSL_CIPHER *suite = first_tls13(ssl);
	SSL_SESSION *s = SSL_SESSION_new();

	if (s && suite && SSL_SESSION_set1_master_key(s, key, len) && SSL_SESSION_set_cipher(s, suite) &&
	    SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) &&
	    SSL_SESSION_set_max_early_data(s, SSL_get_max_early_data(ssl)))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

int tp_psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **sess)
{
	tp_conn *c = conn_of(ssl);
	unsigned char key[PSK_MAX_PSK_LEN];
	unsigned int n;

	*sess = NULL;
	*id = NULL;
	*id_len = 0;
	if (md && !EVP_MD_is_a(md, "SHA256"))
		return 1; /* a HelloRetryRequest has fixed another hash: no PSK to offer */
	n = tlspskClientKey(c->calls, c->identity, sizeof c->identity, key, sizeof key);
	if (n == 0)
		return 1;
	*sess = external_session(ssl, key, n);
	OPENSSL_cleanse(key, sizeof key);
	if (!*sess)
		return 0;
	*id = (unsigned char *)c->identity;
	*id_len = strlen(c->identity);
	return 1;
}

int tp_psk_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **sess)
{
	unsigned char key[PSK_MAX_PSK_LEN];
	unsigned int n;

	*sess = NULL;
	n = tlspskServerKey(conn_of(ssl)->calls, (char *)id, id_len, key, sizeof key);
	if (n)
		came_as(conn_of(ssl), id, id_len);
	if (n == 0)
		return 1; /* unknown is "no session"; the missing certificate then ends the handshake */
	*sess = external_session(ssl, key, n);
	OPENSSL_cleanse(key, sizeof key);
	return *sess != NULL;
}

void tp_alert(const SSL *ssl, int where, int value)
{
	tp_conn *c = conn_of(ssl);

	if (!c || !(where & SSL_CB_ALERT))
		return;
	if (where & SSL_CB_READ)
		c->alert_in = value & 0xff;
	else
		c->alert_out = value & 0xff;
}

void tp_key_log(const SSL *ssl, const char *line)
{
	tlspskKeyLog(conn_of(ssl)->calls, (char *)line);
}
