/* SPDX-License-Identifier: Apache-2.0 */
/* bench/http.c - nanoseconds to parse the head of a request as agents send it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/http.h"

enum { ROUNDS = 9, PER_ROUND = 50000 };

static const char request[] =
    "POST /mcp/t/tsk_01J9ZK3W5V8Q2 HTTP/1.1\r\n"
    "Host: gateway.example.net:8443\r\n"
    "User-Agent: python-httpx/0.27.2\r\n"
    "Accept: application/json, text/event-stream\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Content-Type: application/json\r\n"
    "Authorization: Bearer eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRw"
    "czovL2dhdGV3YXkuZXhhbXBsZS5uZXQifQ.c2lnbmF0dXJl\r\n"
    "MCP-Protocol-Version: 2026-07-28\r\n"
    "Mcp-Method: tools/call\r\n"
    "Mcp-Name: edr___isolate_host\r\n"
    "Content-Length: 521\r\n"
    "\r\n";

static struct http_head head;

static uint64_t now_ns(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	uint64_t ns[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = now_ns();

		for (int i = 0; i < PER_ROUND; i++) {
			size_t scanned = 0;

			MUST(http_parse_request(str_from(request), &scanned, &head, NULL) == RC_OK);
		}
		ns[round] = (now_ns() - begin) / PER_ROUND;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	printf("parse a request head %zu bytes, %zu fields: %llu ns (best %llu)\n",
	       str_from(request).n, head.n_fields, (unsigned long long)ns[ROUNDS / 2],
	       (unsigned long long)ns[0]);
	return 0;
}
