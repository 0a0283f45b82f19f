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

static const struct serve_role roles[] = {
    {R_KEEPER, role_keeper_main, false, &keeper_sandbox},
    {R_BACKEND, role_backend_main, true, &postgresql_sandbox},
    {R_STORE, role_store_main, false, &store_sandbox},
    {R_GOVERNOR, role_governor_main, false, &governor_sandbox},
    {R_RUNNER, role_runner_main, false, &runner_sandbox},
    {R_AGENTS, role_agents_main, true, &agents_sandbox},
    {R_COURIER, role_courier_main, true, &courier_sandbox},
    {R_PEOPLE, role_people_main, true, &people_sandbox},
    {R_INDEX, role_index_main, false, &index_sandbox},
};

const struct serve_table serve_table = {
    .roles = roles, .n_roles = ARRAY_LEN(roles), .plan = plan_load};
