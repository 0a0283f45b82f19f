/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - sources as the loader makes them from YAML, and requests to them. */
#pragma once

#include <openssl/hmac.h>

#include "api/api.h"
#include "codec/yaml.h"
#include "config/load.h"

struct sources {
	struct arena arena;
	struct findings f;
	struct deployment d;
	struct bundle b;
};

/* Reads {sources: ...}; the findings tell what is wrong. */
__attribute__((unused)) static void sources_load(struct sources *s, const char *yaml)
{
	struct load l = {
	    .f = &s->f, .d = &s->d, .b = &s->b, .arena = &s->arena, .file = STR("remit.yaml")};
	const struct json *doc = NULL;
	struct json_limits limits = JSON_LIMITS_DEFAULT;

	*s = (struct sources){.arena = ARENA_INIT(4 << 20), .f = FINDINGS_INIT};
	limits.want_positions = true;
	MUST(yaml_parse(&s->arena, str_from(yaml), &limits, &doc, NULL) == RC_OK);
	load_sources(&l, doc);
}

__attribute__((unused)) static void sources_free(struct sources *s)
{
	findings_fini(&s->f);
	arena_fini(&s->arena);
}

/* One of each type. */
__attribute__((unused)) static const char sources_yaml[] =
    "sources:\n"
    "  alerts:\n"
    "    {type: alertmanager, secret_file: s, environment: production, classes: "
    "[credential-abuse],\n"
    "     labels: {class: incident_class, severity: severity, service: service, assets: assets,\n"
    "              regulated: regulated},\n"
    "     severities: {critical: 1, high: 2}}\n"
    "  plain: {type: generic, secret_file: s, environment: production, classes: "
    "[credential-abuse]}\n"
    "  siem:\n"
    "    type: generic\n"
    "    secret_file: s\n"
    "    classes: [credential-abuse, malware]\n"
    "    mapping:\n"
    "      source_id: /object/id\n"
    "      class: {pointer: /object/rule, values: {R1: credential-abuse, R2: malware}}\n"
    "      severity: {pointer: /object/severity, values: {High: 1, Medium: 3, Low: 5}}\n"
    "      status: {pointer: /object/status, values: {New: open, Active: open, Closed: closed},\n"
    "               default: ignore}\n"
    "      environment: {pointer: /object/tenant, values: {prod: production, lab: staging}}\n"
    "      service: [/object/service, /object/app]\n"
    "      regulated: {pointer: /object/pci, values: {yes: true, no: false}}\n"
    "      event_id: /delivery\n"
    "      occurred_at: /time\n"
    "      title: /object/title\n"
    "      labels: /object/tags\n"
    "      assets:\n"
    "        - {kind: host, pointer: /object/hosts}\n"
    "        - {kind: user, pointer: /object/account}\n"
    "        - {pointer: /object/raw}\n"
    "    signals:\n"
    "      - {name: verdict, value: /object/verdict}\n"
    "      - {name: reached, value: {pointer: /object/reached, values: {y: yes, n: no}},\n"
    "         asset: {kind: ip, pointer: /object/peers}}\n"
    "  probe: {type: signals, secret_file: s, signals: [health, traffic]}\n"
    "  pager:\n"
    "    type: pagerduty\n"
    "    secret_file: s\n"
    "    environment: production\n"
    "    classes: [outage, credential-abuse]\n"
    "    mapping:\n"
    "      class: {pointer: /event/data/service/id, values: {PSVC1: outage}}\n"
    "      assets:\n"
    "        - {kind: service, pointer: /event/data/service/summary}\n"
    "        - pointer: /event/data/service/id\n"
    "          values: {PSVC1: [host:db1, pg-role:app], PSVC2: [host:db2]}\n"
    "  events:\n"
    "    type: cloudevents\n"
    "    secret_file: s\n"
    "    environment: production\n"
    "    classes: [outage]\n"
    "    mapping:\n"
    "      class: {constant: outage}\n"
    "      severity: /data/severity\n"
    "      status: {pointer: /type, values: {com.example.down: open, com.example.up: closed}}\n"
    "      assets: [{kind: host, pointer: /data/host}]\n";

__attribute__((unused)) static const struct source *sources_get(const struct sources *s,
								const char *name)
{
	for (size_t i = 0; i < s->d.n_sources; i++) {
		if (str_eq(s->d.sources[i].name, str_from(name))) {
			return &s->d.sources[i];
		}
	}
	return NULL;
}
