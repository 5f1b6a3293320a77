/* SPDX-License-Identifier: Apache-2.0 */
/* Building an SSL_CTX that knows pre-shared keys and nothing else. */
#include "shim.h"
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>

/* OpenSSL's own choice for DHE falls to 1024 bits at security level 0. */
static int set_dh_group(SSL_CTX *ctx)
{
	char group[] = "ffdhe2048";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *dh = NULL;
	EVP_PKEY_CTX *p = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	int ok = p && EVP_PKEY_fromdata_init(p) > 0 &&
		 EVP_PKEY_fromdata(p, &dh, EVP_PKEY_KEY_PARAMETERS, params) > 0 &&
		 SSL_CTX_set0_tmp_dh_pkey(ctx, dh);

	if (!ok)
		EVP_PKEY_free(dh);
	EVP_PKEY_CTX_free(p);
	return ok;
}

static void set_callbacks(SSL_CTX *ctx, const tp_settings *s)
{
	SSL_CTX_set_info_callback(ctx, tp_alert);
	if (s->server) {
		SSL_CTX_set_psk_server_callback(ctx, tp_psk_server);
		SSL_CTX_set_psk_find_session_callback(ctx, tp_psk_find);
		if (s->tickets)
			SSL_CTX_set_session_ticket_cb(ctx, tp_ticket_made, tp_ticket_taken, NULL);
	} else {
		SSL_CTX_set_psk_client_callback(ctx, tp_psk_client);
		SSL_CTX_set_psk_use_session_callback(ctx, tp_psk_use);
		/* The store is empty: whoever answers with a certificate is refused. */
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	if (s->key_log)
		SSL_CTX_set_keylog_callback(ctx, tp_key_log);
}

static void set_options(SSL_CTX *ctx, const tp_settings *s)
{
	uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE;

	if (!s->tickets)
		options |= SSL_OP_NO_TICKET;
	if (s->early_data)
		options |= SSL_OP_NO_ANTI_REPLAY;
	SSL_CTX_set_options(ctx, options);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, s->tickets ? 1 : 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_max_early_data(ctx, s->early_data);
}

static const char *configure(SSL_CTX *ctx, const tp_settings *s)
{
	if (!SSL_CTX_set_min_proto_version(ctx, s->min) || !SSL_CTX_set_max_proto_version(ctx, s->max))
		return "protocol version";
	SSL_CTX_set_security_level(ctx, s->level); /* before the list, which may override it */
	if (!SSL_CTX_set_cipher_list(ctx, s->suites12))
		return "cipher list";
	if (!SSL_CTX_set_ciphersuites(ctx, s->suites13))
		return "TLS 1.3 cipher list";
	if (!set_dh_group(ctx))
		return "Diffie-Hellman group";
	return NULL;
}

SSL_CTX *tp_context_new(const tp_settings *s, tp_failure *f)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(s->server ? TLS_server_method() : TLS_client_method());
	f->call = ctx ? configure(ctx, s) : "context";
	if (f->call) {
		f->code = ERR_get_error();
		SSL_CTX_free(ctx);
		return NULL;
	}
	set_options(ctx, s);
	set_callbacks(ctx, s);
	return ctx;
}

int tp_context_suite(SSL_CTX *ctx, int index, tp_suite *out)
{
	STACK_OF(SSL_CIPHER) *list = SSL_CTX_get_ciphers(ctx);
	const SSL_CIPHER *c;
	const EVP_MD *md;

	if (index >= sk_SSL_CIPHER_num(list))
		return 0;
	c = sk_SSL_CIPHER_value(list, index);
	md = SSL_CIPHER_get_handshake_digest(c);
	out->name = SSL_CIPHER_get_name(c);
	out->tls13 = strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") == 0;
	out->psk_auth = SSL_CIPHER_get_auth_nid(c) == NID_auth_psk;
	out->encrypts = SSL_CIPHER_get_cipher_nid(c) != NID_undef;
	out->sha256 = md && EVP_MD_is_a(md, "SHA256");
	return 1;
}
