/* SPDX-License-Identifier: Apache-2.0 */
/* config/policy_schema.c - the schema of namespace Remit for one deployment.
 *
 * Holds:  (1) what core/policy_case.c puts into a request, an entity or a context is declared here
 *             with its type, and nothing else is: tests/unit/policy_schema.c holds the two
 * together.
 */
#include "config/policy_schema.h"

/* What is the same in every deployment. */
static const char fixed[] =
    "namespace Remit {\n"
    "  entity Team;\n"
    "  entity Agent in [Team] {\n"
    "    environment: String,\n"
    "    owner: String,\n"
    "  };\n"
    "  entity Group;\n"
    "  entity Service;\n"
    "  entity Asset in [Group, Service] {\n"
    "    kind: String,\n"
    "    value: String,\n"
    "    environment: String,\n"
    "    service: String,\n"
    "    owner: String,\n"
    "    team: String,\n"
    "    criticality: String,\n"
    "    control_plane: Bool,\n"
    "    listed: Bool,\n"
    "    labels: Set<String>,\n"
    "  };\n"
    "  entity Incident {\n"
    "    class: String,\n"
    "    severity: Long,\n"
    "    service: String,\n"
    "    environment: String,\n"
    "    regulated: Bool,\n"
    "  };\n"
    "  // An argument that JSON Schema does not type: equal to what has the same text, and no "
    "more.\n"
    "  entity Unknown;\n"
    "  entity Null;\n"
    "\n"
    "  type IncidentFacts = {\n"
    "    id: String,\n"
    "    class: String,\n"
    "    severity: Long,\n"
    "    status: String,\n"
    "    service: String,\n"
    "    environment: String,\n"
    "    regulated: Bool,\n"
    "  };\n"
    "  type Grant = {\n"
    "    playbook: String,\n"
    "    goal: String,\n"
    "    tools: Set<String>,\n"
    "    targets: Set<String>,\n"
    "    data: Set<String>,\n"
    "  };\n"
    "  type ReadTotals = {results: Long, objects: Long, bytes: Long};\n"
    "  type Signal = {agree: Bool, sources: Long, age_s: Long, value?: String};\n"
    "  type TaskFacts = {\n"
    "    id: String,\n"
    "    phase: String,\n"
    "    calls: Long,\n"
    "    deviations: Long,\n"
    "    targets: Long,\n"
    "    labels: Set<String>,\n"
    "    reads: Reads,\n"
    "    tools: Set<String>,\n"
    "    count: Counts,\n"
    "    since_s: {read?: Long, contain?: Long, destroy?: Long, untrusted?: Long},\n"
    "    age_s: Long,\n"
    "  };\n";

static const char call_context[] = "    context: {\n"
				   "      effect: String,\n"
				   "      changes_access: Bool,\n"
				   "      deletes_data: Bool,\n"
				   "      touches_secrets: Bool,\n"
				   "      egress: String,\n"
				   "      gating: String,\n"
				   "      reversible: Bool,\n"
				   "      undeclared: Bool,\n"
				   "      intent: Grant,\n"
				   "      incident: IncidentFacts,\n"
				   "      task: TaskFacts,\n"
				   "      data: Set<String>,\n"
				   "      signals: Signals,\n"
				   "      taint: {arguments: Bool, other_agent: Bool},\n"
				   "      evidence: {captured: Bool},\n"
				   "      system: {now: datetime},\n";

static const char intent_action[] =
    "\n"
    "  action \"remit\";\n"
    "  action \"remit___declare_intent\" in [\"remit\"] appliesTo {\n"
    "    principal: [Agent],\n"
    "    resource: [Incident],\n"
    "    context: {\n"
    "      intent: {\n"
    "        playbook: String,\n"
    "        goal: String,\n"
    "        tools: Set<String>,\n"
    "        targets: Set<String>,\n"
    "        data: Set<String>,\n"
    "        duration_s: Long,\n"
    "      },\n"
    "      incident: IncidentFacts,\n"
    "      system: {now: datetime},\n"
    "    },\n"
    "  };\n";

/* A record's member for each name, which need not be there. */
static enum rc print_optional(struct buf *out, const struct str_list *names, const char *type)
{
	for (size_t i = 0; i < names->n; i++) {
		TRY(buf_add(out, STR("    ")));
		TRY(input_print_text(out, names->p[i]));
		TRY(buf_addf(out, "?: %s,\n", type));
	}
	return RC_OK;
}

static enum rc print_reads(struct buf *out, const struct policy_names *names)
{
	static const struct str always[] = {{"any", 3}, {"unknown", 7}};

	TRY(buf_add(out, STR("  type Reads = {\n")));
	TRY(print_optional(out, &names->data, "ReadTotals"));
	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		if (!str_list_has(&names->data, always[i])) {
			TRY(buf_addf(out, "    " STR_FMT "?: ReadTotals,\n", STR_ARG(always[i])));
		}
	}
	return buf_add(out, STR("  };\n"));
}

static enum rc print_counts(struct buf *out, const struct policy_names *names)
{
	TRY(buf_add(out, STR("  type Counts = {\n    read: Long,\n    contain: Long,\n"
			     "    destroy: Long,\n")));
	TRY(print_optional(out, &names->tools, "Long"));
	return buf_add(out, STR("  };\n"));
}

static enum rc print_signals(struct buf *out, const struct policy_names *names)
{
	TRY(buf_add(out, STR("  type Signals = {\n")));
	TRY(print_optional(out, &names->signals, "Signal"));
	return buf_add(out, STR("  };\n"));
}

static enum rc print_tool(struct buf *out, const struct tool *t)
{
	TRY(buf_add(out, STR("\n  action ")));
	TRY(input_print_text(out, t->public_name));
	TRY(buf_add(out, STR(" in [")));
	TRY(input_print_text(out, t->upstream->name));
	/* A call names assets where the tool says where they are, and else none. */
	TRY(buf_addf(out, "] appliesTo {\n    principal: [Agent],\n    resource: [%s],\n",
		     t->n_targets > 0 ? "Asset" : "Incident"));
	TRY(buf_add(out, str_from(call_context)));
	TRY(t->arguments ? buf_addf(out, "      input: " STR_FMT ",\n", STR_ARG(t->arguments->name))
			 : buf_add(out, STR("      input: {},\n")));
	TRY(buf_add(out, STR("    },\n  };")));
	return t->arguments ? input_print(out, t->arguments) : RC_OK;
}

static enum rc print(struct buf *out, const struct bundle *b, const struct policy_names *names)
{
	TRY(buf_add(out, str_from(fixed)));
	TRY(print_reads(out, names));
	TRY(print_counts(out, names));
	TRY(print_signals(out, names));
	TRY(buf_add(out, str_from(intent_action)));
	for (size_t i = 0; i < b->n_upstreams; i++) {
		TRY(buf_add(out, STR("\n  action ")));
		TRY(input_print_text(out, b->upstreams[i].name));
		TRY(buf_add_char(out, ';'));
	}
	for (size_t i = 0; i < b->n_tools; i++) {
		TRY(print_tool(out, &b->tools[i]));
	}
	TRY(buf_add(out, STR("\n}\n")));
	for (size_t i = 0; i < b->n_tools; i++) {
		if (b->tools[i].arguments) {
			TRY(input_print_spaces(out, b->tools[i].arguments));
		}
	}
	return RC_OK;
}

enum rc policy_schema_print(struct buf *out, const struct bundle *b,
			    const struct policy_names *names, struct err *e)
{
	enum rc rc = print(out, b, names);

	if (rc == RC_LIMIT) {
		FAIL(e, rc, "the schema for policies has more than %d bytes", POLICY_SCHEMA_BYTES);
	}
	if (rc != RC_OK) {
		FAIL(e, rc, "no memory for the schema for policies");
	}
	return RC_OK;
}
