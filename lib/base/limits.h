/* SPDX-License-Identifier: Apache-2.0 */
/* base/limits.h - every bound of the product, with its reason.
 *
 * Reaching one is RC_LIMIT and an error that names it; nothing is ever cut short silently.
 */
#pragma once

enum {
	/* Input from agents and sources. */
	LIMIT_HTTP_HEAD_BYTES =
	    16 * 1024,		 /* request line and headers; nginx allows 32 KiB in all */
	LIMIT_HTTP_HEADERS = 64, /* fields in a head */
	LIMIT_HTTP_BODY_BYTES = 1024 * 1024, /* one MCP message; results may be as large */
	LIMIT_JSON_DEEP = 4096, /* of policies as JSON, whose readers bound what they do with it */
	LIMIT_JSON_DEPTH = 64,
	LIMIT_JSON_NODES = 65536,     /* values in one document */
	LIMIT_ARGS_BYTES = 24 * 1024, /* canonical arguments; a sealed value must hold them */
	LIMIT_RESULT_BYTES =
	    500 * 1000,		      /* a tool's answer; the sealed values of one leaf hold it */
	LIMIT_TARGETS = 256,	      /* assets of one call */
	LIMIT_ID_BYTES = 128,	      /* names of tools, agents' labels, incident ids */
	LIMIT_SPIFFE_ID_BYTES = 2048, /* SPIFFE-ID section 2.3 */
	LIMIT_TEXT_BYTES = 4096,      /* goal, reason, title: free text */
	LIMIT_PHASES = 32,	      /* of a playbook; a bit each in a task's state */

	/* What the state counts. */
	LIMIT_INTERNED = 4 * 1024 * 1024, /* different targets and tools at a time; some 100 bytes
					     each */
	LIMIT_COUNTERS = 1024 * 1024,	  /* one per cap and task, incident or agent in use */
	LIMIT_CAPS = 128,		  /* in a deployment: each call looks at all of them */
	LIMIT_CAP_GROUP = 4096,	      /* members of a group with a percentage or floor: walked */
	LIMIT_TAKINGS = 64,	      /* counters that one call takes from: the leaf lists them */
	LIMIT_MARKS_PER_RESULT = 512, /* words of an untrusted result: 8 KiB of its leaf */
	LIMIT_MARKS_PER_CALL = 64,    /* words of arguments: 1 KiB of its leaf */
	LIMIT_MARKS_PER_TASK = 8192,  /* 128 KiB */
	LIMIT_MARKS_PER_INCIDENT = 16384,

	/* The published log over HTTP, all readers together: a reader that is given up after half a
	 * minute pins what it did not take, so that is what they can pin at most. */
	LIMIT_PUBLISHED_BURST = 64 * 1024 * 1024,
	LIMIT_PUBLISHED_PER_S = 8 * 1024 * 1024,
	LIMIT_PUBLISHED_FILE_BYTES = 256 * (2 + 32 * 1024), /* a bundle of our longest leaves */

	/* Sources of incidents and signals; each in its own bucket. */
	LIMIT_SOURCE_BURST = 1000, /* at once: an outage is reported by everything at once */
	LIMIT_SOURCE_PER_S = 100,  /* after that; well under what the log takes */
	LIMIT_SOURCE_OPEN =
	    2000, /* incidents of one source that are open: each has a key and tasks */

	/* Refusals in leaves of their own; what is beyond is counted (governor/refusal_pace.h). An
	 * agent that is refused so often at once is suspended by then. */
	LIMIT_REFUSALS_OF_AGENT = 200,
	LIMIT_REFUSALS_OF_ADDRESS = 10,	  /* failed authentications */
	LIMIT_REFUSALS_OF_ADDRESSES = 40, /* of all addresses together */
	LIMIT_REFUSAL_EVERY_S = 10,	  /* after that */
	LIMIT_REFUSED_ADDRESSES = 256,	  /* known at a time */

	/* The log. */
	LIMIT_LEAF_BYTES = 32 * 1024,
	LIMIT_VALUE_BYTES = 32 * 1024,	 /* a sealed value beside a leaf */
	LIMIT_BATCH_BYTES = 1024 * 1024, /* one group commit; bounds its latency */
	LIMIT_SEGMENT_BYTES = 64 * 1024 * 1024,
	/* What failed to be written, and then refusals, stops and revocations: some ten thousand.
	 */
	LIMIT_EMERGENCY_BYTES = 8 * 1024 * 1024,
	LIMIT_ERASING = 64,  /* tasks at a time; a key goes within a moment */
	LIMIT_SHARDS = 4096, /* that are not pruned; a thousand years of the default length */
	LIMIT_SNAPSHOT_EVERY = 100'000, /* leaves between snapshots: a start reads at most about
					 * twice as many, in some three seconds */

	/* Evidence. */
	LIMIT_EVIDENCE = 1 << 17, /* items kept at once: they stay for years, in the state too */
	LIMIT_EVIDENCE_OF_INCIDENT = 4096,     /* looked through when a call needs some */
	LIMIT_EVIDENCE_KINDS = 16,	       /* that one tool may require */
	LIMIT_HOLDS = 1024,		       /* in force: looked through for each altering call */
	LIMIT_OBJECT_BYTES = 64 * 1024 * 1024, /* one artefact: more is a disk image, which has
						* places of its own */
	LIMIT_OBJECT_PIECE_BYTES = 256 * 1024, /* of an artefact in one message */
	LIMIT_OBJECT_NAMES_BYTES = 64 * 1024,  /* names of objects in one message */

	/* The deployment directory. */
	LIMIT_CONFIG_FILE_BYTES = 1024 * 1024,
	LIMIT_CONFIG_FILES = 4096,
	LIMIT_ASSETS = 65536, /* of all inventories; each decision looks through them by halves */
	LIMIT_ASSET_GROUPS = 1024, /* names are walked */

	/* Between roles. */
	LIMIT_MESSAGE_BYTES = 2 * 1024 * 1024,
	LIMIT_CHANNEL_QUEUE_BYTES =
	    64 * 1024 * 1024, /* unsent bytes before the peer counts as gone */

	/* Connections. */
	LIMIT_CONNECTIONS = 10000,	  /* per front */
	LIMIT_UPSTREAM_CONNECTIONS = 256, /* per upstream */
};
