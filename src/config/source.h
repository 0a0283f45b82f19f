/* SPDX-License-Identifier: Apache-2.0 */
/* config/source.h - who may open incidents, and which of its fields mean what.
 *
 * Only fields named here bind class, severity, service, environment and assets of an incident, and
 * only after the source was authenticated over the raw bytes of its request. Everything else that
 * it says is free text. Strings are owned by the deployment's arena.
 */
#pragma once

#include "core/list.h"

enum source_type {
	SOURCE_NONE = 0,
	SOURCE_ALERTMANAGER, /* webhook, version 4 */
	SOURCE_GENERIC,	     /* the normal form of core/incident.h, or any JSON with a mapping */
	SOURCE_PAGERDUTY,    /* webhook, version 3: signed, not a bearer token */
	SOURCE_CLOUDEVENTS,  /* 1.0 over HTTP, structured or binary, with a mapping */
	SOURCE_SIGNALS,	     /* reports signals and opens no incidents */
};

/* What one value of a field means. */
struct source_value {
	struct str from;
	struct str to;
};

/* How to find one member of the normal form in a JSON document. */
struct source_field {
	struct str_list pointers; /* JSON pointers; the first that finds a value counts */
	struct str constant;	  /* instead of pointers: "" = none */
	const struct source_value *values;
	size_t n_values;      /* 0 = the value is taken as it is */
	struct str otherwise; /* for an absent value or one not in the table; "" = refused */
};

/* What one text means, where a source does not speak of assets itself. */
struct source_asset_value {
	struct str from;
	struct str_list assets; /* "kind:value" */
};

/* Assets at a pointer to a text or a list of texts: "kind:value" when kind is "", else values; or,
 * with a table, what stands there for each text, and nothing for others. */
struct source_asset {
	struct str kind;
	struct str pointer;
	const struct source_asset_value *values;
	size_t n_values;
};

struct source_mapping {
	bool is_given;
	struct source_field source_id;
	struct source_field class;
	struct source_field severity; /* "1" to "5" after its table */
	struct source_field status;   /* "open", "closed" or "ignore" after its table */
	struct source_field service;
	struct source_field environment;
	struct source_field regulated;
	struct source_field event_id;
	struct source_field occurred_at;
	struct source_field title;
	struct str labels; /* pointer to an object; "" = none */
	const struct source_asset *assets;
	size_t n_assets;
};

/* A signal (core/signal.h) that its webhooks carry, or that it may report. */
struct source_signal {
	struct str name;
	/* of a webhook */
	struct source_field value;
	struct source_asset asset; /* pointer "" = the assets of the incident */
};

struct source_severity {
	struct str value; /* of the label */
	uint8_t severity; /* 1 .. 5 */
};

struct source {
	struct str name;
	enum source_type type;
	struct str secret_file;	 /* bearer token; pagerduty: the key of its signatures */
	struct str environment;	 /* of all its incidents, unless the mapping says another */
	struct str_list classes; /* it may open these only */
	/* Alertmanager: which label says what. */
	struct str class_label;
	struct str severity_label;
	struct str service_label;
	struct str assets_label;    /* comma-separated "kind:value" */
	struct str regulated_label; /* "" = never regulated */
	const struct source_severity *severities;
	size_t n_severities; /* a value that is not listed is refused */
	/* The others. */
	struct source_mapping mapping;
	const struct source_signal *signals;
	size_t n_signals;
};

/* May it speak of signals of that name? */
bool source_may_signal(const struct source *s, struct str name);

/* May incidents of this source be in that environment? */
bool source_may_be_in(const struct source *s, struct str environment);
