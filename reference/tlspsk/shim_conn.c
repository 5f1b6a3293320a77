/* SPDX-License-Identifier: Apache-2.0 */
/* One connection and its steps. */
#include "shim.h"
#include <stdlib.h>
#include <openssl/err.h>
#include <openssl/objects.h>

tp_conn *tp_conn_new(SSL_CTX *ctx, BIO_METHOD *method, int server, int max, SSL_SESSION *session, tp_failure *f)
{
	tp_conn *c = calloc(1, sizeof *c);
	BIO *bio;

	ERR_clear_error();
	if (c && (c->ssl = SSL_new(ctx)) && (bio = BIO_new(method))) {
		BIO_set_data(bio, c);
		SSL_set_bio(c->ssl, bio, bio);
		SSL_set_app_data(c->ssl, c);
		c->alert_in = c->alert_out = -1;
		if (SSL_set_max_proto_version(c->ssl, max) && (!session || SSL_set_session(c->ssl, session))) {
			if (server)
				SSL_set_accept_state(c->ssl);
			else
				SSL_set_connect_state(c->ssl);
			return c;
		}
	}
	f->call = "connection";
	f->code = ERR_get_error();
	tp_conn_free(c);
	return NULL;
}

void tp_conn_free(tp_conn *c)
{
	if (!c)
		return;
	SSL_free(c->ssl);
	free(c);
}

/* What a client may come again with, to be freed by the caller; NULL: nothing. */
SSL_SESSION *tp_conn_session(tp_conn *c)
{
	SSL_SESSION *s = SSL_get1_session(c->ssl);

	if (s && SSL_SESSION_is_resumable(s) && SSL_SESSION_has_ticket(s))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

void tp_conn_info(tp_conn *c, tp_info *info)
{
	const SSL_CIPHER *suite = SSL_get_current_cipher(c->ssl);

	info->version = SSL_version(c->ssl);
	info->resumed = SSL_session_reused(c->ssl);
	info->peer_cert = SSL_get0_peer_certificate(c->ssl) != NULL;
	info->psk_auth = suite && SSL_CIPHER_get_auth_nid(suite) == NID_auth_psk;
	info->early_accepted = SSL_get_early_data_status(c->ssl) == SSL_EARLY_DATA_ACCEPTED;
	info->suite = suite ? SSL_CIPHER_standard_name(suite) : "";
}

static int do_read(tp_conn *c, unsigned char *buf, int len, tp_result *res)
{
	int r = 1;

	while (res->n < len && (r = SSL_read(c->ssl, buf + res->n, len - res->n)) > 0)
		res->n += r;
	return r;
}

static int do_write(tp_conn *c, const void *buf, int len, tp_result *res)
{
	size_t n = 0;
	int r;

	if (c->half_open) /* the client has not finished: 0.5-RTT data (RFC 8446 section 2) */
		r = SSL_write_early_data(c->ssl, buf, (size_t)len, &n);
	else
		r = SSL_write_ex(c->ssl, buf, (size_t)len, &n);
	res->n = (int)n;
	return r;
}

static int do_early_read(tp_conn *c, unsigned char *buf, int len, tp_result *res)
{
	c->half_open = 1;
	while (res->n < len) {
		size_t n = 0;
		int r = SSL_read_early_data(c->ssl, buf + res->n, (size_t)(len - res->n), &n);

		res->n += (int)n;
		if (r == SSL_READ_EARLY_DATA_FINISH)
			res->early_done = 1;
		if (r != SSL_READ_EARLY_DATA_SUCCESS)
			return r == SSL_READ_EARLY_DATA_FINISH;
	}
	return 1;
}

static int do_early_write(tp_conn *c, const void *buf, int len, tp_result *res)
{
	size_t n = 0;
	int r = SSL_write_early_data(c->ssl, buf, (size_t)len, &n);

	res->n = (int)n;
	return r;
}

static int run(tp_conn *c, int op, void *buf, int len, tp_result *res)
{
	int r;

	switch (op) {
	case TP_HANDSHAKE:
		r = SSL_do_handshake(c->ssl);
		if (r == 1)
			c->half_open = 0;
		return r;
	case TP_READ:
		return do_read(c, buf, len, res);
	case TP_WRITE:
		return do_write(c, buf, len, res);
	case TP_EARLY_READ:
		return do_early_read(c, buf, len, res);
	case TP_EARLY_WRITE:
		return do_early_write(c, buf, len, res);
	default: /* TP_SHUTDOWN: 0 says that the peer's close_notify is still to come */
		r = SSL_shutdown(c->ssl);
		return r == 0 ? 1 : r;
	}
}

/* The only way to run TLS. Go pointers stay in c no longer than this call. */
tp_result tp_step(tp_conn *c, int op, uintptr_t calls, const void *in, size_t in_len,
		  void *buf, int len, void *out, size_t out_room)
{
	tp_result res = { 0 };
	int r;

	ERR_clear_error(); /* another connection may have left entries on this thread */
	c->calls = calls;
	c->in = in;
	c->in_left = in_len;
	c->out = out;
	c->out_room = out_room;
	c->out_len = 0;

	r = run(c, op, buf, len, &res);
	res.status = r > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, r);
	res.code = ERR_get_error();
	res.cert_refused = ERR_GET_LIB(res.code) == ERR_LIB_SSL &&
			   ERR_GET_REASON(res.code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
	res.pending = SSL_pending(c->ssl) > 0;
	res.taken = in_len - c->in_left;
	res.made = c->out_len;

	c->calls = 0;
	c->in = NULL;
	c->out = NULL;
	c->in_left = c->out_room = c->out_len = 0;
	return res;
}

const char *tp_reason(unsigned long code)
{
	const char *s = ERR_reason_error_string(code);

	return s ? s : "";
}
