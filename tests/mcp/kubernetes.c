/* SPDX-License-Identifier: Apache-2.0 */
/* kubernetes.c - the npm package kubernetes-mcp-server as the runner starts it, with an API server
 * in miniature behind it: what the catalog says of scaling and of pods is what happens.
 *
 *	test-kubernetes SERVER PACK_YAML KUBE_API_PY
 *
 * Skipped (77) without the package: tests/clients/install.
 */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool_scene.h"

#define WEB                                                                                        \
	"\"apiVersion\":\"apps/"                                                                   \
	"v1\",\"kind\":\"Deployment\",\"namespace\":\"shop\",\"name\":\"web\""

static const char *server;
static const char *kube_api;

static char dir[64];
static pid_t api;

static const char *in_dir(const char *name)
{
	const char *path = arena_strf(&arena, "%s/%s", dir, name).p;

	assert_non_null(path);
	return path;
}

static bool state_has(const char *text)
{
	AUTO_BUF b = BUF_INIT(65536);

	assert_ok(file_read(in_dir("state"), &b, NULL));
	return str_contains(buf_view(&b), str_from(text));
}

/* Starts the API server; its port, as text. */
static const char *start_api(void)
{
	AUTO_BUF port = BUF_INIT(64);

	assert_ok(file_replace(in_dir("state"), STR("{\"replicas\": 3, \"pods\": [\"web-1\"]}"),
			       0644, NULL));
	api = start_apart();
	if (api == 0) {
		execl("/usr/bin/env", "env", "python3", kube_api, in_dir("state"), in_dir("port"),
		      NULL);
		_exit(127);
	}
	for (int i = 0; i < 1000; i++) {
		buf_reset(&port);
		if (file_read(in_dir("port"), &port, NULL) == RC_OK && port.n > 0) {
			return arena_cstr(&arena, buf_view(&port));
		}
		assert_int_equal(usleep(10000), 0);
	}
	fail_msg("the API server does not listen");
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	static struct str command[4];
	static struct str network[1];
	static struct str readable[2];
	AUTO_BUF kubeconfig = BUF_INIT(4096);
	const char *port;

	memcpy(dir, "/tmp/remit-kubernetes-XXXXXX", 29);
	assert_non_null(mkdtemp(dir));
	port = start_api();
	assert_ok(buf_addf(&kubeconfig,
			   "apiVersion: v1\nkind: Config\n"
			   "clusters: [{name: c, cluster: {server: \"http://127.0.0.1:%s\"}}]\n"
			   "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
			   "current-context: c\nusers: [{name: u, user: {}}]\n",
			   port));
	assert_ok(file_replace(in_dir("kubeconfig"), buf_view(&kubeconfig), 0644, NULL));
	command[0] = str_from(server);
	command[1] = STR("--kubeconfig");
	command[2] = str_from(in_dir("kubeconfig"));
	command[3] = STR("--disable-multi-cluster");
	network[0] = arena_strf(&arena, "127.0.0.1:%s", port);
	readable[0] = str_from(dir);
	readable[1] = str_from(server);
	upstream = (struct upstream){
	    .name = STR("kubernetes"),
	    .transport = TRANSPORT_STDIO,
	    .command = {command, 4},
	    .network = {network, 1},
	    .readable = {readable, 2},
	    .timeout_ms = 60000,
	};
	start_runner();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	AUTO_BUF command = BUF_INIT(512);

	stop_runner();
	(void)kill(api, SIGKILL);
	assert_ok(buf_addf(&command, "rm -rf %s%c", dir, 0));
	assert_int_equal(system(command.p), 0);
	arena_fini(&arena);
	return 0;
}

static void the_catalog_pins_what_this_version_lists(void **state)
{
	(void)state;
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_BUF text = BUF_INIT(1 << 20);
	const struct json *listed = ask_definitions();
	const struct json *pack;
	size_t n = 0;

	assert_ok(file_read(pack_yaml, &text, NULL));
	assert_ok(yaml_parse(&arena, buf_view(&text), &limits, &pack, NULL));
	for (const struct json *t = listed->child; t; t = t->next) {
		n += is_pinned_or_absent(t, pack);
	}
	/* Everything that the catalog has is there; the rest of the list it leaves out. */
	assert_int_equal(n, json_get(pack, STR("tools"))->count);
}

/* capture, do, read back, undo with what was captured, read back: as the catalog has it. */
static void a_deployment_is_scaled_and_scaled_back(void **state)
{
	(void)state;
	call("resources_get", "{" WEB "}");
	outcome(OUTCOME_OK, "\"structuredContent\":{");
	outcome(OUTCOME_OK, "\"spec\":{\"replicas\":3,");
	call("resources_scale", "{" WEB "}");
	outcome(OUTCOME_OK, "replicas: 3");
	assert_true(state_has("\"replicas\": 3")); /* without a scale it only reads */
	call("resources_scale", "{" WEB ",\"scale\":1}");
	outcome(OUTCOME_OK, "replicas: 1");
	assert_true(state_has("\"replicas\": 1"));
	call("resources_get", "{" WEB "}");
	outcome(OUTCOME_OK, "\"spec\":{\"replicas\":1,");
	call("resources_scale", "{" WEB ",\"scale\":3}");
	outcome(OUTCOME_OK, "replicas: 3");
	assert_true(state_has("\"replicas\": 3"));
	call("resources_get", "{" WEB "}");
	outcome(OUTCOME_OK, "\"spec\":{\"replicas\":3,");
}

static void a_pod_is_deleted_and_its_controller_makes_another(void **state)
{
	(void)state;
	call("pods_get", "{\"namespace\":\"shop\",\"name\":\"web-1\"}");
	outcome(OUTCOME_OK, "web-1");
	call("pods_delete", "{\"namespace\":\"shop\",\"name\":\"web-1\"}");
	outcome(OUTCOME_OK, "deleted successfully");
	assert_true(state_has("\"web-1-again\""));
	call("pods_get", "{\"namespace\":\"shop\",\"name\":\"web-1\"}");
	outcome(OUTCOME_TOOL_ERROR, "not found");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_catalog_pins_what_this_version_lists),
	    cmocka_unit_test(a_deployment_is_scaled_and_scaled_back),
	    cmocka_unit_test(a_pod_is_deleted_and_its_controller_makes_another),
	};

	if (argc != 4) {
		return 2;
	}
	server = argv[1];
	pack_yaml = argv[2];
	kube_api = argv[3];
	if (access(server, X_OK) != 0) {
		printf("skipped: no %s; see tests/clients/install\n", server);
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
