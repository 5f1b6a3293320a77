/* SPDX-License-Identifier: Apache-2.0 */
/* The C half of the PSK engine: what needs macros, callbacks, or several OpenSSL
 * calls in one crossing. The error queue of OpenSSL belongs to the thread, so every
 * function here that can fail fetches its errors before it returns. */
#ifndef TLSPSK_SHIM_H
#define TLSPSK_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>

enum { TP_HANDSHAKE, TP_READ, TP_WRITE, TP_SHUTDOWN, TP_EARLY_READ, TP_EARLY_WRITE };

/* One connection. Lives in C memory; Go touches it only under its lock. */
typedef struct tp_conn {
	SSL *ssl;
	uintptr_t calls;          /* cgo.Handle of the Go callbacks; 0 outside handshake steps */
	int alert_in, alert_out;  /* last alert description in each direction, -1: none */
	int by_ticket;            /* server: the session came out of a ticket */
	int half_open;            /* server that has handed out early data before the handshake ended */
	char identity[PSK_MAX_IDENTITY_LEN + 1]; /* OpenSSL copies it after psk_use returns */
	/* Go memory, set only while tp_step runs */
	const unsigned char *in;
	size_t in_left;
	unsigned char *out;
	size_t out_room, out_len;
} tp_conn;

typedef struct {
	int server, min, max, level, key_log, tickets;
	uint32_t early_data;      /* octets of early data, 0: none */
	const char *suites12, *suites13;
} tp_settings;

typedef struct {
	unsigned long code;       /* OpenSSL error code */
	const char *call;         /* the call that failed */
} tp_failure;

typedef struct {
	const char *name;
	int tls13, psk_auth, encrypts, sha256;
} tp_suite;

typedef struct {
	int n;                    /* octets of plaintext read or written */
	int status;               /* SSL_get_error */
	int pending;              /* plaintext or records are left inside OpenSSL */
	int early_done;           /* TP_EARLY_READ: there is no more early data */
	size_t taken, made;       /* octets taken from in, put into out */
	unsigned long code;       /* oldest entry of the error queue */
	int cert_refused;         /* the failure was the peer's certificate */
} tp_result;

typedef struct {
	int version, resumed, peer_cert, psk_auth, early_accepted;
	const char *suite;
} tp_info;

BIO_METHOD *tp_bio_method(void);
SSL_CTX *tp_context_new(const tp_settings *, tp_failure *);
int tp_context_suite(SSL_CTX *, int index, tp_suite *);
tp_conn *tp_conn_new(SSL_CTX *, BIO_METHOD *, int server, int max, SSL_SESSION *, tp_failure *);
SSL_SESSION *tp_conn_session(tp_conn *);
void tp_conn_free(tp_conn *);
void tp_conn_info(tp_conn *, tp_info *);
tp_result tp_step(tp_conn *, int op, uintptr_t calls, const void *in, size_t in_len,
		  void *buf, int len, void *out, size_t out_room);
const char *tp_reason(unsigned long code);

/* OpenSSL's callbacks, for tp_context_new */
unsigned int tp_psk_client(SSL *, const char *hint, char *id, unsigned int id_max,
			   unsigned char *key, unsigned int key_max);
unsigned int tp_psk_server(SSL *, const char *id, unsigned char *key, unsigned int key_max);
int tp_psk_use(SSL *, const EVP_MD *, const unsigned char **id, size_t *id_len, SSL_SESSION **);
int tp_psk_find(SSL *, const unsigned char *id, size_t id_len, SSL_SESSION **);
int tp_ticket_made(SSL *, void *);
SSL_TICKET_RETURN tp_ticket_taken(SSL *, SSL_SESSION *, const unsigned char *name, size_t name_len,
				  SSL_TICKET_STATUS, void *);
void tp_alert(const SSL *, int where, int value);
void tp_key_log(const SSL *, const char *line);

#endif
