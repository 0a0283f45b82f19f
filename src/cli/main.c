/* SPDX-License-Identifier: Apache-2.0 */
/* cli/main.c - the remit program: finds the command, runs it. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

int cli_fail(const struct cli_command *c, const struct err *e)
{
	fprintf(stderr, "remit %s: %s\n", c->words, e->msg);
	return rc_exit_status(e->code);
}

int cli_misuse(const struct cli_command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "remit %s: ", c->words);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: remit %s%s%s\nSee remit %s --help.\n", c->words,
		c->usage[0] ? " " : "", c->usage, c->words);
	return rc_exit_status(RC_INPUT);
}

int cli_print(struct str s)
{
	struct err e = ERR_INIT;

	if (file_write_all(STDOUT_FILENO, s, &e) != RC_OK) {
		if (e.sys != EPIPE) {
			fprintf(stderr, "remit: %s\n", e.msg);
		}
		return rc_exit_status(RC_IO);
	}
	return 0;
}

void cli_help(const struct cli_command *c)
{
	printf("usage: remit %s%s%s\n\n%s\n", c->words, c->usage[0] ? " " : "", c->usage, c->text);
	if (c->help) {
		printf("\n%s", c->help);
	}
}

static void print_list(const struct cli_command *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("  %-20s %s\n", list[i].words, list[i].text);
	}
}

static void help(void)
{
	printf("usage: remit COMMAND [ARGUMENT...]\n\n"
	       "Remit governs autonomous incident-response agents: every tool call goes through "
	       "it.\n\n"
	       "Deployment, log and identities:\n");
	print_list(cli_local_commands, cli_n_local_commands);
	printf("\nAsking a running Remit (options --json, --socket PATH):\n");
	print_list(cli_rest_commands, cli_n_rest_commands);
	printf("\nremit COMMAND --help tells more. Exit status: 0 done, 2 bad input, 3 denied, "
	       "4 limit,\n5 try again, 6 input or output error, 7 no memory, 8 broken, 9 not "
	       "found.\n");
}

/* How many of argv's words the command's name takes, 0 = not this one. */
static int words_matched(const struct cli_command *c, int argc, char **argv)
{
	struct str rest = str_from(c->words);
	int n = 0;

	while (rest.p) {
		struct str word = str_cut(&rest, ' ');

		if (n >= argc || !str_eq(word, str_from(argv[n]))) {
			return 0;
		}
		n++;
	}
	return n;
}

static const struct cli_command *find(int argc, char **argv, int *ret_words)
{
	const struct cli_command *best = NULL;
	int most = 0;

	for (size_t i = 0; i < cli_n_local_commands + cli_n_rest_commands; i++) {
		const struct cli_command *c = i < cli_n_local_commands
						  ? &cli_local_commands[i]
						  : &cli_rest_commands[i - cli_n_local_commands];
		int n = words_matched(c, argc, argv);

		if (n > most) {
			most = n;
			best = c;
		}
	}
	*ret_words = most;
	return best;
}

int main(int argc, char **argv)
{
	const struct cli_command *c;
	int n;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		help();
		return argc < 2 ? rc_exit_status(RC_INPUT) : 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("remit %s\n", REMIT_VERSION);
		return 0;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write */
	c = find(argc - 1, argv + 1, &n);
	if (!c) {
		fprintf(stderr, "remit: no command '%s'. See remit --help.\n", argv[1]);
		return rc_exit_status(RC_INPUT);
	}
	for (int i = 1 + n; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			cli_help(c);
			return 0;
		}
		if (!strcmp(argv[i], "--")) {
			break;
		}
	}
	return c->run(c, argc - 1 - n, argv + 1 + n);
}
