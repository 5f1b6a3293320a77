/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A pool element and a pool user made with Debian's librsplib, behind the adapter protocol: JSON lines on standard input
 * and output. Build it, on Debian 12 with librsplib-dev and libjson-c-dev, by
 *
 *	gcc -O2 -Wall -Wextra -o adapter adapter.c -lrsplib -ljson-c
 *
 * librsplib needs SCTP in the kernel, and has one set of registrars in a process. Therefore each element and each user is
 * a process of its own, a child of the adapter: the adapter reads a request, and hands it to the child that it is about,
 * which writes the answer. The registrars have no TLS here, as rsplib has none.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>
#include <rserpool/rserpool.h>
#include <rserpool/rserpool-internals.h>
#include <rserpool/tagitem.h>

enum {
	PROTOCOL = 1,
	MAX_NODES = 64,
	MAX_DATA = 65536,      /* of one message */
	RETRY_MS = 1000,       /* between two attempts to register */
	REREGISTRATION_MS = 60000, /* as rspserver; the registration lives three times as long */
	DEFAULT_TIMEOUT_MS = 30000,
	EXIT_INTERNAL = 70,
};

/* ---- Output. Every process writes whole lines, one at a time. ---- */

static int out = STDOUT_FILENO;
static pthread_mutex_t *writing; /* shared by all processes */

static void write_line(json_object *line)
{
	size_t n;
	const char *text = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN, &n);
	/* A child that was killed while it wrote must not stop the others. */
	if (pthread_mutex_lock(writing) == EOWNERDEAD)
		pthread_mutex_consistent(writing);
	while (n > 0) {
		ssize_t done = write(out, text, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			break; /* nobody listens any more */
		text += done;
		n -= (size_t)done;
	}
	(void)!write(out, "\n", 1);
	pthread_mutex_unlock(writing);
	json_object_put(line);
}

static void answer(int64_t id, json_object *result)
{
	json_object *line = json_object_new_object();
	json_object_object_add(line, "id", json_object_new_int64(id));
	json_object_object_add(line, "result", result ? result : json_object_new_object());
	write_line(line);
}

/* refuse answers with one of the protocol's codes: unsupported, failed or invalid. */
static void refuse(int64_t id, const char *code, const char *format, ...)
{
	char message[256];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	json_object *error = json_object_new_object(), *line = json_object_new_object();
	json_object_object_add(error, "code", json_object_new_string(code));
	json_object_object_add(error, "message", json_object_new_string(message));
	json_object_object_add(line, "id", json_object_new_int64(id));
	json_object_object_add(line, "error", error);
	write_line(line);
}

/* ---- Input ---- */

static const char *string_of(json_object *o, const char *key)
{
	json_object *v;
	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return "";
	return json_object_get_string(v);
}

static int64_t number_of(json_object *o, const char *key)
{
	json_object *v;
	return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

static json_object *object_of(json_object *o, const char *key)
{
	json_object *v;
	return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- A node: what a child process has ---- */

struct node {
	const char *name, *pool;
	int sd;             /* of rsplib, -1: none */
	int is_element;
	/* element */
	uint32_t id;
	struct rsp_loadinfo load;
	unsigned int reregistration; /* ms */
	struct sockaddr_in service;
	int wanted, registered;
	int64_t retry;      /* when the next attempt to register is due */
	/* user */
	int connected;
	uint32_t element;   /* the one that the session is with */
};

static void tell(const struct node *n, const char *kind, uint32_t id, uint32_t from, const char *reason)
{
	json_object *event = json_object_new_object(), *line = json_object_new_object();
	json_object_object_add(event, "kind", json_object_new_string(kind));
	json_object_object_add(event, "pool", json_object_new_string(n->pool));
	if (id)
		json_object_object_add(event, "peid", json_object_new_int64(id));
	if (from)
		json_object_object_add(event, "from", json_object_new_int64(from));
	if (reason)
		json_object_object_add(event, "reason", json_object_new_string(reason));
	json_object_object_add(line, "node", json_object_new_string(n->name));
	json_object_object_add(line, "event", event);
	write_line(line);
}

/* parse reads "192.0.2.1:3863". */
static int parse(const char *text, struct sockaddr_in *addr)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	memset(addr, 0, sizeof *addr);
	addr->sin_family = AF_INET;
	if (!colon || (size_t)(colon - text) >= sizeof host)
		return -1;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = 0;
	addr->sin_port = htons((uint16_t)atoi(colon + 1));
	return inet_pton(AF_INET, host, &addr->sin_addr) == 1 ? 0 : -1;
}

/* sctp tells whether rsplib speaks a transport. */
static int sctp(const char *transport)
{
	return !strcmp(transport, "sctp") || !strcmp(transport, "sctp-kernel");
}

/* initialize starts rsplib with the registrars of a specification. It gives the reason when that cannot be. */
static const char *initialize(json_object *spec)
{
	struct rsp_info info;
	char argument[128];
	json_object *list = object_of(spec, "registrars");
	const char *group = string_of(spec, "announcements");

	rsp_initinfo(&info);
	rsp_initarg(&info, "-logcolor=off");
	rsp_initarg(&info, "-loglevel=2");
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		json_object *place = json_object_array_get_idx(list, i);
		if (!sctp(string_of(place, "transport")) || json_object_get_boolean(object_of(place, "secured")))
			return "rsplib reaches registrars over SCTP in clear only";
		snprintf(argument, sizeof argument, "-registrar=%s", string_of(place, "addr"));
		rsp_initarg(&info, argument);
	}
	snprintf(argument, sizeof argument, "-asapannounce=%s", *group ? group : "off");
	rsp_initarg(&info, argument);
	return rsp_initialize(&info) < 0 ? "rsplib cannot be started" : NULL;
}

/* ---- The pool element ---- */

/* load translates a policy of RFC 5356. */
static int load(json_object *policy, struct rsp_loadinfo *into)
{
	uint32_t type = policy ? (uint32_t)number_of(policy, "type") : 0;
	memset(into, 0, sizeof *into);
	into->rli_policy = type ? type : PPT_ROUNDROBIN;
	into->rli_load = (uint32_t)number_of(policy, "load");
	into->rli_load_degradation = (uint32_t)number_of(policy, "degradation");
	/* rsplib keeps the priority where the weight is. */
	into->rli_weight = (uint32_t)number_of(policy, type == PPT_PRIORITY ? "priority" : "weight");
	return rsp_getpolicybytype(into->rli_policy) != NULL;
}

/* open_service makes the socket that pool users come to; it is also what is registered. */
static int open_service(struct node *n)
{
	n->sd = rsp_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
	if (n->sd < 0 || rsp_bind(n->sd, (struct sockaddr *)&n->service, 1) < 0 || rsp_listen(n->sd, 16) < 0)
		return -1;
	return 0;
}

/* try_registration registers, and tells how that went. rsplib waits for the answer. */
static void try_registration(struct node *n)
{
	struct TagItem tags[2] = { { TAG_PoolElement_Identifier, n->id }, { TAG_DONE, 0 } };
	unsigned char handle[256];
	size_t size = sizeof handle;
	if (rsp_register_tags(n->sd, (const unsigned char *)n->pool, strlen(n->pool), &n->load, n->reregistration,
	                      REGF_CONTROLCHANNEL, tags) < 0) {
		if (!n->retry) /* once, not with each attempt */
			tell(n, "rejected", n->id, 0, "rsplib says that the registration failed");
		n->retry = now_ms() + RETRY_MS;
		return;
	}
	if (rsp_getsockname(n->sd, handle, &size, &n->id) < 0)
		n->id = 0;
	n->registered = 1;
	n->retry = 0;
	tell(n, "registered", n->id, 0, NULL);
}

static const char *start_element(struct node *n, json_object *spec)
{
	json_object *service = object_of(spec, "service");
	int64_t life = number_of(spec, "life_ns") / 1000000;
	const char *wrong;
	n->is_element = 1;
	n->id = (uint32_t)number_of(spec, "id");
	n->reregistration = life > 0 ? (unsigned int)((life + 2) / 3) : REREGISTRATION_MS;
	if (!service || !*string_of(service, "transport")) { /* nobody is served, and still an address is registered */
		char local[64];
		snprintf(local, sizeof local, "%s:0", *string_of(spec, "local") ? string_of(spec, "local") : "0.0.0.0");
		parse(local, &n->service);
	} else if (!sctp(string_of(service, "transport")) || json_object_get_boolean(object_of(service, "secured"))) {
		return "rsplib serves over SCTP in clear only";
	} else if (parse(string_of(service, "addr"), &n->service) < 0) {
		return "rsplib's element needs an IPv4 address for its service";
	}
	if (!load(object_of(spec, "policy"), &n->load))
		return "rsplib does not know this policy";
	if ((wrong = initialize(spec)))
		return wrong;
	if (open_service(n) < 0)
		return "the socket of the service cannot be opened";
	n->wanted = 1;
	return NULL;
}

/* serve sends back what a pool user sent. */
static void serve(struct node *n)
{
	static char data[MAX_DATA];
	struct rsp_sndrcvinfo info;
	int flags = 0;
	ssize_t size = rsp_recvfullmsg(n->sd, data, sizeof data, &info, &flags, 0);
	if (size <= 0)
		return;
	if (flags & MSG_RSERPOOL_COOKIE_ECHO)
		tell(n, "cookie", n->id, 0, "rsplib does not sign cookies: it believes every one");
	else if (!(flags & MSG_RSERPOOL_NOTIFICATION))
		rsp_sendmsg(n->sd, data, (size_t)size, 0, info.rinfo_session, info.rinfo_ppid, info.rinfo_stream, 0, 0, 0);
}

static void leave(struct node *n)
{
	n->wanted = 0;
	if (n->registered) {
		rsp_deregister(n->sd, 0);
		n->registered = 0;
		tell(n, "deregistered", n->id, 0, NULL);
	}
}

/* ---- The pool user ---- */

static const char *start_user(struct node *n, json_object *spec)
{
	if (!strcmp(string_of(spec, "elements"), "secured"))
		return "rsplib reaches elements in clear only";
	n->sd = -1;
	return initialize(spec);
}

/* member turns an address of rsplib into {"id", "addr"}. */
static json_object *member(const struct rsp_addrinfo *a)
{
	char host[INET6_ADDRSTRLEN] = "", addr[INET6_ADDRSTRLEN + 8];
	uint16_t port = 0;
	if (a->ai_addr->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a->ai_addr;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		port = ntohs(v4->sin_port);
	} else if (a->ai_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a->ai_addr;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, host, sizeof host);
		else
			inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		port = ntohs(v6->sin6_port);
	}
	snprintf(addr, sizeof addr, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	json_object *m = json_object_new_object();
	json_object_object_add(m, "id", json_object_new_int64(a->ai_pe_id));
	json_object_object_add(m, "addr", json_object_new_string(addr));
	return m;
}

static void resolve(struct node *n, int64_t id)
{
	struct rsp_addrinfo *list = NULL;
	int count = rsp_getaddrinfo((const unsigned char *)n->pool, strlen(n->pool), &list, RSPGETADDRS_MAX, 0);
	if (count < 0) {
		refuse(id, "failed", count == REAI_NONAME ? "the registrar does not know pool %s" : "pool %s was not resolved", n->pool);
		return;
	}
	json_object *members = json_object_new_array(), *result = json_object_new_object();
	for (const struct rsp_addrinfo *a = list; a; a = a->ai_next)
		json_object_array_add(members, member(a));
	json_object_object_add(result, "members", members);
	if (list)
		rsp_freeaddrinfo(list);
	answer(id, result);
}

/* peer is the element that the session is with, 0 for none. */
static uint32_t peer(struct node *n)
{
	unsigned char handle[256];
	size_t size = sizeof handle;
	uint32_t id = 0;
	return rsp_getpeername(n->sd, handle, &size, &id) < 0 ? 0 : id;
}

/* connect_user sets the session up, or has it go on with another element, which it tells before anything is sent there. */
static int connect_user(struct node *n)
{
	uint32_t before = n->element;
	if (n->sd < 0) {
		n->sd = rsp_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
		if (n->sd < 0)
			return -1;
		rsp_connect(n->sd, (const unsigned char *)n->pool, strlen(n->pool), 0);
	} else if (rsp_forcefailover(n->sd, before ? FFF_UNREACHABLE : FFF_NONE, 0) < 0) {
		return -1;
	}
	if (!(n->element = peer(n)))
		return -1;
	n->connected = 1;
	tell(n, "selected", n->element, 0, NULL);
	if (before)
		tell(n, "failover", n->element, before, "rsplib has noticed that the element is lost");
	tell(n, "connected", n->element, 0, NULL);
	return 0;
}

/* receive waits for an answer. It gives its size, 0 when there was none in time, and -1 when the element is lost. */
static ssize_t receive(struct node *n, char *data, size_t room, int64_t until)
{
	for (;;) {
		struct rsp_sndrcvinfo info;
		int flags = 0;
		int64_t left = until - now_ms();
		if (left <= 0)
			return 0;
		ssize_t size = rsp_recvfullmsg(n->sd, data, room, &info, &flags, (int)left);
		if (size < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		if (flags & MSG_RSERPOOL_NOTIFICATION) {
			const union rserpool_notification *what = (const union rserpool_notification *)data;
			if (what->rn_header.rn_type == RSERPOOL_FAILOVER && what->rn_failover.rf_state == RSERPOOL_FAILOVER_NECESSARY)
				return -1;
		} else if (size > 0) {
			return size;
		}
	}
}

static int unhex(const char *text, char *into)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i += 2) {
		unsigned int octet;
		if (n % 2 || i / 2 >= MAX_DATA || sscanf(text + i, "%2x", &octet) != 1)
			return -1;
		into[i / 2] = (char)octet;
	}
	return (int)(n / 2);
}

static void send_data(struct node *n, int64_t id, const char *hex, int64_t until)
{
	static char data[MAX_DATA], reply[MAX_DATA], text[2 * MAX_DATA + 1];
	int size = unhex(hex, data);
	if (size <= 0) {
		refuse(id, "invalid", "data of %zu hexadecimal digits", strlen(hex));
		return;
	}
	const char *last = "no element was reached";
	while (now_ms() < until) {
		if (!n->connected && connect_user(n) < 0) {
			usleep(100 * 1000); /* rsplib pauses only when the pool is unknown */
			continue;
		}
		last = "the element did not answer";
		if (rsp_sendmsg(n->sd, data, (size_t)size, 0, 0, 0, 0, 0, 0, 0) == size) {
			ssize_t got = receive(n, reply, sizeof reply, until);
			if (got > 0) {
				for (ssize_t i = 0; i < got; i++)
					sprintf(text + 2 * i, "%02x", (unsigned char)reply[i]);
				json_object *result = json_object_new_object();
				json_object_object_add(result, "data", json_object_new_string_len(text, (int)(2 * got)));
				answer(id, result);
				return;
			}
			if (got == 0)
				break;
		}
		n->connected = 0;
	}
	refuse(id, "failed", "%s", last);
}

/* ---- A child process ---- */

/* handle carries one request out, and tells whether the node goes on. */
static int handle(struct node *n, json_object *request)
{
	int64_t id = number_of(request, "id"), timeout = number_of(request, "timeout_ms");
	int64_t until = now_ms() + (timeout > 0 ? timeout : DEFAULT_TIMEOUT_MS);
	const char *op = string_of(request, "op");
	if (!strcmp(op, "stop")) {
		if (n->is_element)
			leave(n);
		answer(id, NULL);
		return 0;
	}
	if (n->is_element && !strcmp(op, "deregister")) {
		leave(n);
		answer(id, NULL);
	} else if (n->is_element && !strcmp(op, "register")) {
		n->wanted = 1;
		if (n->registered && rsp_register(n->sd, (const unsigned char *)n->pool, strlen(n->pool), &n->load, n->reregistration, REGF_CONTROLCHANNEL) == 0)
			tell(n, "registered", n->id, 0, "rsplib renews it at once and does not tell what became of it");
		else
			try_registration(n);
		answer(id, NULL);
	} else if (!n->is_element && !strcmp(op, "resolve")) {
		resolve(n, id);
	} else if (!n->is_element && !strcmp(op, "send")) {
		send_data(n, id, string_of(request, "data"), until);
	} else {
		refuse(id, "unsupported", "%s: not by a pool %s", op, n->is_element ? "element" : "user");
	}
	return 1;
}

/* live serves requests, which come one a line on standard input, and pool users. rsp_poll and not poll, for it also
 * does what rsplib has to do for its sockets. */
static void live(struct node *n)
{
	/* A stream of its own, since that of the adapter may hold lines for others; and without a buffer, for rsp_poll sees
	 * only what has not been read. */
	FILE *requests = fdopen(STDIN_FILENO, "r");
	char *line = NULL;
	size_t room = 0;
	if (!requests)
		return;
	setvbuf(requests, NULL, _IONBF, 0);
	for (int more = 1; more;) {
		if (n->is_element && n->wanted && !n->registered && now_ms() >= n->retry)
			try_registration(n);
		struct pollfd fds[2] = { { STDIN_FILENO, POLLIN, 0 }, { n->sd, POLLIN, 0 } };
		int pause = n->wanted && !n->registered ? RETRY_MS : -1;
		if (rsp_poll(fds, n->is_element ? 2 : 1, pause) < 0 && errno != EINTR)
			break;
		if (n->is_element && fds[1].revents & POLLIN)
			serve(n);
		if (!(fds[0].revents & (POLLIN | POLLHUP)))
			continue;
		if (getline(&line, &room, requests) < 0)
			break;
		json_object *request = json_tokener_parse(line);
		more = handle(n, request);
		json_object_put(request);
	}
	free(line);
	if (n->is_element)
		leave(n);
	if (n->sd >= 0)
		rsp_close(n->sd);
	rsp_cleanup();
}

/* child is the life of a node. What rsplib prints goes to standard error. */
static void child(json_object *request)
{
	int64_t id = number_of(request, "id");
	struct node n = { .name = string_of(request, "node"), .sd = -1 };
	json_object *element = object_of(request, "element"), *user = object_of(request, "user");
	json_object *spec = element ? element : user;
	if (!spec) {
		refuse(id, "invalid", "no specification");
		return;
	}
	n.pool = string_of(spec, "pool");
	const char *wrong = strcmp(string_of(spec, "security"), "clear") ? "rsplib has no TLS"
	                    : element                                   ? start_element(&n, spec)
	                                                                : start_user(&n, spec);
	if (wrong) {
		refuse(id, "unsupported", "%s", wrong);
		return;
	}
	answer(id, NULL);
	live(&n);
}

/* ---- The adapter ---- */

static struct {
	char *name;
	pid_t pid;
	int requests; /* to its standard input */
} nodes[MAX_NODES];

/* start makes a child. */
static void start(json_object *request)
{
	int64_t id = number_of(request, "id");
	int ends[2], i = 0;
	while (i < MAX_NODES && nodes[i].name)
		i++;
	if (i == MAX_NODES || pipe(ends) < 0) {
		refuse(id, "failed", "too many nodes");
		return;
	}
	pid_t pid = fork();
	if (pid < 0) {
		refuse(id, "failed", "fork: %s", strerror(errno));
		close(ends[0]);
		close(ends[1]);
		return;
	}
	if (pid == 0) {
		/* Only the adapter holds the other ends: a child ends when its input does. */
		for (int j = 0; j < MAX_NODES; j++)
			if (nodes[j].name)
				close(nodes[j].requests);
		close(ends[1]);
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		out = dup(STDOUT_FILENO);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		child(request);
		fflush(stderr);
		_exit(0); /* what the adapter has not read yet is still its */
	}
	close(ends[0]);
	nodes[i].name = strdup(string_of(request, "node"));
	nodes[i].pid = pid;
	nodes[i].requests = ends[1];
}

/* forward hands a request to the child that it is about. */
static void forward(json_object *request, const char *line)
{
	const char *name = string_of(request, "node");
	for (int i = 0; i < MAX_NODES; i++) {
		if (!nodes[i].name || strcmp(nodes[i].name, name))
			continue;
		size_t left = strlen(line);
		for (ssize_t n; left > 0; line += n, left -= (size_t)n) {
			n = write(nodes[i].requests, line, left);
			if (n < 0) {
				refuse(number_of(request, "id"), "failed", "%s has ended", name);
				return;
			}
		}
		return;
	}
	refuse(number_of(request, "id"), "invalid", "there is no node %s", name);
}

static void hello(int64_t id)
{
	static const char *operations[] = { "hello", "start-element", "start-user", "register", "deregister", "resolve", "send", "stop" };
	json_object *result = json_object_new_object(), *roles = json_object_new_array(), *list = json_object_new_array();
	json_object_array_add(roles, json_object_new_string("pe"));
	json_object_array_add(roles, json_object_new_string("pu"));
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		json_object_array_add(list, json_object_new_string(operations[i]));
	json_object_object_add(result, "protocol", json_object_new_int(PROTOCOL));
	json_object_object_add(result, "name", json_object_new_string("rsplib"));
	json_object_object_add(result, "roles", roles);
	json_object_object_add(result, "operations", list);
	answer(id, result);
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	pthread_mutexattr_t shared;
	writing = mmap(NULL, sizeof *writing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (writing == MAP_FAILED)
		return EXIT_INTERNAL;
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(writing, &shared);
	signal(SIGPIPE, SIG_IGN);

	while (getline(&line, &room, stdin) >= 0) {
		json_object *request = json_tokener_parse(line);
		if (!request) {
			fprintf(stderr, "adapter: this is no request: %s", line);
			return EXIT_INTERNAL;
		}
		const char *op = string_of(request, "op");
		if (!strcmp(op, "hello"))
			hello(number_of(request, "id"));
		else if (!strcmp(op, "start-element") || !strcmp(op, "start-user"))
			start(request);
		else if (!strcmp(op, "register") || !strcmp(op, "deregister") || !strcmp(op, "resolve") || !strcmp(op, "send") || !strcmp(op, "stop"))
			forward(request, line);
		else
			refuse(number_of(request, "id"), "unsupported", "there is no %s", op);
		json_object_put(request);
	}
	for (int i = 0; i < MAX_NODES; i++)
		if (nodes[i].name)
			close(nodes[i].requests);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
