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

/* Opens as root, restarts alone: see struct serve_role. */
static const struct serve_role roles[] = {
    {R_KEEPER, role_keeper_main, false, &keeper_sandbox, true},
    {R_BACKEND, role_backend_main, true, &postgresql_sandbox, true},
    {R_STORE, role_store_main, false, &store_sandbox, true},
    {R_GOVERNOR, role_governor_main, false, &governor_sandbox, true},
    {R_RUNNER, role_runner_main, false, &runner_sandbox, true},
    {R_AGENTS, role_agents_main, true, &agents_sandbox, true},
    {R_COURIER, role_courier_main, true, &courier_sandbox, true},
    {R_PEOPLE, role_people_main, true, &people_sandbox, true},
    {R_INDEX, role_index_main, false, &index_sandbox, true},
};

const struct serve_table serve_table = {
    .roles = roles, .n_roles = ARRAY_LEN(roles), .plan = plan_load, .digest = plan_digest};
