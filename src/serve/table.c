/* SPDX-License-Identifier: Apache-2.0 */
/* serve/table.c - the roles of Remit. */
#include "courier/courier.h"
#include "front/agents.h"
#include "front/people.h"
#include "governor/governor.h"
#include "index/index.h"
#include "keeper/backend.h"
#include "keeper/keeper.h"
#include "runner/runner.h"
#include "serve/plan.h"
#include "serve/serve.h"
#include "store/store.h"

/* How long may a role be silent? What a call passes through, and people stop it with, must answer
 * within seconds. The others may wait for a server or a disk in their loop: longer than any of
 * their deadlines. The index reads all of the log when it is made anew; nobody's call needs it. */
enum { PROMPT_MS = 5000, PATIENT_MS = 120'000, NEVER = 0 };

/* Whoever waits for one of the first gets an answer within two seconds of its silence: a tick of
 * the supervisor (watch.h), one of the governor and the way there come on top of this. To be told
 * so wrongly costs calls an answer, not a role its life. What waits for evidence does not wait for
 * a disk of the store that has not answered for longer; of the others health says it, once even a
 * slow server should have answered. */
enum { TOLD_MS = 1500, TOLD_DISK_MS = 5000, TOLD_SERVER_MS = 10'000 };

/* Opens as root, restarts alone, is killed when silent, the others told: see struct serve_role. */
static const struct serve_role roles[] = {
    {R_KEEPER, role_keeper_main, false, &keeper_sandbox, true, PROMPT_MS, TOLD_MS},
    {R_BACKEND, role_backend_main, true, &postgresql_sandbox, true, PATIENT_MS, TOLD_SERVER_MS},
    {R_STORE, role_store_main, false, &store_sandbox, true, PATIENT_MS, TOLD_DISK_MS},
    {R_GOVERNOR, role_governor_main, false, &governor_sandbox, true, PROMPT_MS, TOLD_MS},
    {R_RUNNER, role_runner_main, false, &runner_sandbox, true, PROMPT_MS, TOLD_MS},
    {R_AGENTS, role_agents_main, true, &agents_sandbox, true, PROMPT_MS, TOLD_MS},
    {R_COURIER, role_courier_main, true, &courier_sandbox, true, PATIENT_MS, TOLD_SERVER_MS},
    {R_PEOPLE, role_people_main, true, &people_sandbox, true, PROMPT_MS, TOLD_MS},
    {R_INDEX, role_index_main, false, &index_sandbox, true, NEVER, NEVER},
};

const struct serve_table serve_table = {
    .roles = roles, .n_roles = ARRAY_LEN(roles), .plan = plan_load, .digest = plan_digest};
