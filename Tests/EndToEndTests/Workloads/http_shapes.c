/*
 * Truth: an HTTP/1.1 server that writes its answers as other servers do, each connection in a thread of its own.
 * Usage: http_shapes. Prints "ready" and its port; runs until it is killed. A path has the status and the shape:
 *
 *   /NNN/plain       head and body in one write
 *   /NNN/vectors64   head and 21 chunks in one writev of 64 vectors, as nginx does
 *   /NNN/vectors1024 head and 341 chunks in one writev of 1,024 vectors, as node does
 *   /NNN/chunks      head and 500 chunks of a few bytes in one write
 *   /NNN/head        a head of 64 kB in one write, then the body
 *   /NNN/parts       the same head in writes of 1,000 bytes
 *   /NNN/file        head and body by sendfile
 *   /NNN/stream      a chunk, and no more until the client closes the connection; says "streams"
 *   /NNN/cut         a part of the body, then a reset
 *
 * A preamble of the PROXY protocol is left out.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 17, HEAD_LINES = 64, LINE_SIZE = 1000, VECTORS_MAX = 1024 };

struct connection {
	int fd;
	size_t size;
	char input[INPUT_MAX];
	char output[INPUT_MAX];
};

static bool put(int fd, const char *bytes, size_t size, size_t step)
{
	while (size) {
		ssize_t count = write(fd, bytes, size < step ? size : step);

		if (count <= 0)
			return false;
		bytes += count;
		size -= count;
	}
	return true;
}

static bool put_vectors(int fd, struct iovec *vectors, int count)
{
	while (count) {
		ssize_t written = writev(fd, vectors, count);

		if (written <= 0)
			return false;
		while (count && (size_t)written >= vectors->iov_len) {
			written -= vectors->iov_len;
			vectors++;
			count--;
		}
		if (count) {
			vectors->iov_base = (char *)vectors->iov_base + written;
			vectors->iov_len -= written;
		}
	}
	return true;
}

/* The head of a chunked answer, then chunks of three vectors each: the size, the data, and the line end. */
static bool answer_vectors(struct connection *connection, int status, int count)
{
	static char size[] = "7\r\n", data[] = "row 123", end[] = "\r\n", last[] = "0\r\n\r\n";
	struct iovec vectors[VECTORS_MAX];
	int used = 0, length;

	length = sprintf(connection->output, "HTTP/1.1 %d Whatever\r\nTransfer-Encoding: chunked\r\n\r\n", status);
	vectors[used++] = (struct iovec){connection->output, length};
	while (used + 4 <= count) {
		vectors[used++] = (struct iovec){size, 3};
		vectors[used++] = (struct iovec){data, 7};
		vectors[used++] = (struct iovec){end, 2};
	}
	while (used + 1 < count)
		vectors[used++] = (struct iovec){end, 0};
	vectors[used++] = (struct iovec){last, 5};
	return put_vectors(connection->fd, vectors, used);
}

static bool answer_chunks(struct connection *connection, int status)
{
	char *end = connection->output;

	end += sprintf(end, "HTTP/1.1 %d Whatever\r\nTransfer-Encoding: chunked\r\n\r\n", status);
	for (int i = 0; i < 500; i++)
		end += sprintf(end, "4\r\nrow\n\r\n");
	end += sprintf(end, "0\r\n\r\n");
	return put(connection->fd, connection->output, end - connection->output, INPUT_MAX);
}

static bool answer_head(struct connection *connection, int status, size_t step)
{
	char *end = connection->output;

	end += sprintf(end, "HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n", status);
	for (int i = 0; i < HEAD_LINES; i++) {
		end += sprintf(end, "X-Filler-%02d: ", i);
		memset(end, 'f', LINE_SIZE);
		end += LINE_SIZE;
		end += sprintf(end, "\r\n");
	}
	end += sprintf(end, "\r\n");
	return put(connection->fd, connection->output, end - connection->output, step) &&
	       put(connection->fd, "ok", 2, 2);
}

static bool answer_file(struct connection *connection, int status)
{
	int file = memfd_create("answer", 0);
	off_t offset = 0;
	int size = sprintf(connection->output, "HTTP/1.1 %d Whatever\r\nContent-Length: 5\r\n\r\nhello", status);
	bool is_sent = write(file, connection->output, size) == size &&
		       sendfile(connection->fd, file, &offset, size) == size;

	close(file);
	return is_sent;
}

static bool answer(struct connection *connection, const char *path)
{
	struct linger at_once = {.l_onoff = 1};
	char shape[32] = "";
	int status = 0, size;

	if (sscanf(path, "/%d/%31s", &status, shape) != 2)
		return false;
	if (!strcmp(shape, "vectors64"))
		return answer_vectors(connection, status, 64);
	if (!strcmp(shape, "vectors1024"))
		return answer_vectors(connection, status, 1024);
	if (!strcmp(shape, "chunks"))
		return answer_chunks(connection, status);
	if (!strcmp(shape, "head"))
		return answer_head(connection, status, INPUT_MAX);
	if (!strcmp(shape, "parts"))
		return answer_head(connection, status, 1000);
	if (!strcmp(shape, "file"))
		return answer_file(connection, status);
	if (!strcmp(shape, "stream")) {
		size = sprintf(connection->output,
			       "HTTP/1.1 %d Whatever\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n", status);
		if (!put(connection->fd, connection->output, size, INPUT_MAX))
			return false;
		printf("streams\n");
		return read(connection->fd, connection->input, sizeof(connection->input)) > 0;
	}
	if (!strcmp(shape, "cut")) {
		size = sprintf(connection->output, "HTTP/1.1 %d Whatever\r\nContent-Length: 1000\r\n\r\nbegin", status);
		put(connection->fd, connection->output, size, INPUT_MAX);
		usleep(100000);
		setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		return false;
	}
	size = sprintf(connection->output, "HTTP/1.1 %d Whatever\r\nContent-Length: 5\r\n\r\nhello", status);
	return put(connection->fd, connection->output, size, INPUT_MAX);
}

/* Reads until there is a line end, or an empty line; returns how many bytes those are, 0 at the end. */
static size_t read_until(struct connection *connection, const char *end)
{
	for (;;) {
		char *found = memmem(connection->input, connection->size, end, strlen(end));
		ssize_t count;

		if (found)
			return found + strlen(end) - connection->input;
		if (connection->size == sizeof(connection->input))
			return 0;
		count = read(connection->fd, connection->input + connection->size,
			     sizeof(connection->input) - connection->size);
		if (count <= 0)
			return 0;
		connection->size += count;
	}
}

static void use_up(struct connection *connection, size_t count)
{
	memmove(connection->input, connection->input + count, connection->size - count);
	connection->size -= count;
}

static bool leave_out_preamble(struct connection *connection)
{
	size_t size = read_until(connection, "\n");

	if (!size)
		return false;
	if (!memcmp(connection->input, "PROXY ", 6)) {
		use_up(connection, size);
	} else if (connection->input[0] == '\r') {
		/* Its signature ends with another line, and the test's one has 12 bytes of addresses. */
		size = read_until(connection, "QUIT\n") + 16;
		while (connection->size < size) {
			ssize_t count = read(connection->fd, connection->input + connection->size, size - connection->size);

			if (count <= 0)
				return false;
			connection->size += count;
		}
		use_up(connection, size);
	}
	return true;
}

static void *serve(void *argument)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	char path[64];
	size_t size;

	connection->fd = (intptr_t)argument;
	if (leave_out_preamble(connection)) {
		while ((size = read_until(connection, "\r\n\r\n")) &&
		       sscanf(connection->input, "%*s %63s", path) == 1) {
			use_up(connection, size);
			if (!answer(connection, path))
				break;
		}
	}
	close(connection->fd);
	free(connection);
	return NULL;
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) ||
	    getsockname(listener, (struct sockaddr *)&address, &size))
		return 1;
	printf("ready %d\n", ntohs(address.sin_port));
	for (;;) {
		int fd = accept(listener, NULL, NULL), one = 1;
		pthread_t thread;

		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
			return 1;
		pthread_detach(thread);
	}
}
