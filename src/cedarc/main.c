/* SPDX-License-Identifier: Apache-2.0 */
/* cedarc/main.c - cedar-c: the Cedar policy language from a terminal. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "cedarc/cedarc.h"

static const struct command commands[] = {
    {"authorize", cedarc_authorize,
     "--policies FILE [--entities FILE] [--schema FILE] (--principal UID --action UID "
     "--resource UID [--context FILE] | --request FILE) [--verbose] [--json]",
     "decide one request; exit status 0 allow, 2 deny"},
    {"validate", cedarc_validate,
     "--policies FILE --schema FILE [--mode strict|permissive] [--level N] [--deny-warnings] "
     "[--4.13] [--json]",
     "check policies against a schema; exit status 3 when they are not valid"},
    {"check-parse", cedarc_check_parse, "[--policies FILE] [--schema FILE] [--entities FILE]",
     "check that files are well formed"},
    {"format", cedarc_format, "[--policies FILE] [--width N] [--indent N] [--check | --write]",
     "lay out policies; --check: exit status 3 when they are not laid out"},
    {"translate-policy", cedarc_translate_policy,
     "[--policies FILE] [--direction cedar-to-json|json-to-cedar] [--4.13]",
     "turn policies into their JSON form, or back"},
    {"translate-schema", cedarc_translate_schema,
     "[--schema FILE] [--direction cedar-to-json|json-to-cedar]",
     "turn a schema into its JSON form, or back"},
};

int cedarc_say(const char *message)
{
	fprintf(stderr, "cedar-c: %s\n", message);
	return STATUS_ERROR;
}

int cedarc_fail(const struct err *e)
{
	return cedarc_say(e->msg);
}

int cedarc_print(struct str s)
{
	struct err e = ERR_INIT;

	if (file_write_all(STDOUT_FILENO, s, &e) != RC_OK) {
		return e.sys == EPIPE ? STATUS_ERROR : cedarc_fail(&e);
	}
	return STATUS_YES;
}

static void help(void)
{
	printf("usage: cedar-c COMMAND [OPTION...]\n\nThe Cedar policy language. Files of policies "
	       "and schemas may be in Cedar's syntax\nor in JSON; without a file standard input is "
	       "read.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		printf("  %-17s %s\n", commands[i].name, commands[i].text);
	}
	printf("\ncedar-c COMMAND --help tells more. Exit status: 0 yes, 1 an error, 2 deny, 3 not "
	       "valid.\n");
}

/* Options that take a value, and where it goes. */
static const char **value_of(struct options *o, const char *name)
{
	const struct {
		const char *name;
		const char **at;
	} all[] = {
	    {"--policies", &o->policies},   {"--schema", &o->schema},
	    {"--entities", &o->entities},   {"--principal", &o->principal},
	    {"--action", &o->action},	    {"--resource", &o->resource},
	    {"--context", &o->context},	    {"--request", &o->request},
	    {"--direction", &o->direction}, {"--mode", &o->mode},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!strcmp(name, all[i].name)) {
			return all[i].at;
		}
	}
	return NULL;
}

static uint64_t *number_of(struct options *o, const char *name)
{
	return !strcmp(name, "--level")	   ? &o->level
	       : !strcmp(name, "--width")  ? &o->width
	       : !strcmp(name, "--indent") ? &o->indent
					   : NULL;
}

static bool *flag_of(struct options *o, const char *name)
{
	return !strcmp(name, "--json")		  ? &o->as_json
	       : !strcmp(name, "--verbose")	  ? &o->verbose
	       : !strcmp(name, "--check")	  ? &o->check
	       : !strcmp(name, "--write")	  ? &o->write
	       : !strcmp(name, "--deny-warnings") ? &o->deny_warnings
	       : !strcmp(name, "--4.13")	  ? &o->is_4_13
						  : NULL;
}

/* Is it an option of this command? Its usage says so. */
static bool is_known(const struct command *c, const char *name)
{
	const char *at = strstr(c->usage, name);
	char behind = at ? at[strlen(name)] : 'x';

	return at && (behind == ' ' || behind == ']' || behind == '\0');
}

static int misuse(const struct command *c, const char *what, const char *subject)
{
	fprintf(stderr, "cedar-c %s: %s '%s'\nusage: cedar-c %s %s\n", c->name, what, subject,
		c->name, c->usage);
	return STATUS_ERROR;
}

static int parse(const struct command *c, int argc, char **argv, struct options *o)
{
	for (int i = 0; i < argc; i++) {
		const char **value = value_of(o, argv[i]);
		uint64_t *number = number_of(o, argv[i]);
		bool *flag = flag_of(o, argv[i]);

		if ((!value && !number && !flag) || !is_known(c, argv[i])) {
			return misuse(c, "unknown option", argv[i]);
		}
		if (flag) {
			*flag = true;
			continue;
		}
		if (i + 1 == argc) {
			return misuse(c, "no value for", argv[i]);
		}
		if (value) {
			*value = argv[++i];
		} else if (!num_u64(str_from(argv[i + 1]), 1000, number)) {
			return misuse(c, "no number up to 1000:", argv[i + 1]);
		} else {
			o->has_level |= number == &o->level;
			i++;
		}
	}
	return STATUS_YES;
}

int main(int argc, char **argv)
{
	struct options o = {0};

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		help();
		return argc < 2 ? STATUS_ERROR : STATUS_YES;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("cedar-c %s, Cedar language 4.5\n", REMIT_VERSION);
		return STATUS_YES;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write */
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];
		int bad;

		if (strcmp(argv[1], c->name) != 0) {
			continue;
		}
		if (argc > 2 && !strcmp(argv[2], "--help")) {
			printf("usage: cedar-c %s %s\n\n%s\n", c->name, c->usage, c->text);
			return STATUS_YES;
		}
		bad = parse(c, argc - 2, argv + 2, &o);
		return bad ? bad : c->run(&o);
	}
	fprintf(stderr, "cedar-c: no command '%s'. See cedar-c --help.\n", argv[1]);
	return STATUS_ERROR;
}
