/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO over the buffers of the running step: it reads the ciphertext the caller brought
 * and writes into the room the caller gave. Nothing is kept between steps. */
#include "shim.h"
#include <string.h>

static int bio_read(BIO *bio, char *to, int len)
{
	tp_conn *c = BIO_get_data(bio);
	size_t n = c->in_left;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)len)
		n = (size_t)len;
	memcpy(to, c->in, n);
	c->in += n;
	c->in_left -= n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *from, int len)
{
	tp_conn *c = BIO_get_data(bio);
	size_t n = c->out_room - c->out_len;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	if (n == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	if (n > (size_t)len)
		n = (size_t)len;
	memcpy(c->out + c->out_len, from, n);
	c->out_len += n;
	return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	tp_conn *c = BIO_get_data(bio);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_PENDING:
		return c ? (long)c->in_left : 0;
	}
	return 0; /* BIO_CTRL_EOF as well: no data now is not the end */
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *tp_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tlspsk step");

	if (m && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
		return m;
	BIO_meth_free(m);
	return NULL;
}
