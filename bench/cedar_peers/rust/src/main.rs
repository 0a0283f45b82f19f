// SPDX-License-Identifier: Apache-2.0
// main.rs - the workload of bench-cedar through the Rust engine, crate cedar-policy.
//
// usage: cedar-peer DIRECTORY
//
// bench-cedar --peers writes the directory; see wasm.mjs. Policies, entities and requests are made ready before; what is timed
// is Authorizer::is_authorized() alone.
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use serde_json::Value;
use std::{collections::BTreeSet, env, fs, hint::black_box, time::Instant};

const BUDGET_MS: u128 = 2000;

fn read(dir: &str, name: &str) -> Value {
    let text = fs::read_to_string(format!("{dir}/{name}")).expect(name);
    serde_json::from_str(&text).expect(name)
}

fn uid(j: &Value) -> EntityUid {
    EntityUid::from_json(j.clone()).expect("a uid")
}

fn requests(dir: &str) -> Vec<Request> {
    let list = read(dir, "requests.json");
    let one = |r: &Value| {
        let context = Context::from_json_value(r["context"].clone(), None).expect("a context");
        Request::new(uid(&r["principal"]), uid(&r["action"]), uid(&r["resource"]), context, None).expect("a request")
    };
    list.as_array().expect("a list").iter().map(one).collect()
}

fn differing(set: &PolicySet, entities: &Entities, requests: &[Request], want: &Value) -> usize {
    let authorizer = Authorizer::new();
    let differs = |(i, r): &(usize, &Request)| {
        let answer = authorizer.is_authorized(r, set, entities);
        let decision = if answer.decision() == Decision::Allow { "allow" } else { "deny" };
        let reasons: BTreeSet<String> = answer.diagnostics().reason().map(|id| id.to_string()).collect();
        let ours: BTreeSet<String> =
            want[*i]["policies"].as_array().expect("policies").iter().map(|x| x.as_str().expect("an id").to_string()).collect();
        want[*i]["decision"] != decision || reasons != ours
    };
    requests.iter().enumerate().filter(differs).count()
}

fn main() {
    let dir = env::args().nth(1).expect("usage: cedar-peer DIRECTORY");
    let entities = Entities::from_json_value(read(&dir, "entities.json"), None).expect("entities");
    let requests = requests(&dir);
    let ours = read(&dir, "p50.json");
    let authorizer = Authorizer::new();

    println!("\nRust engine {}, is_authorized, ns", cedar_policy::get_sdk_version());
    println!("policies           p50        p99   answers that differ from ours");
    let mut sizes: Vec<u32> = fs::read_dir(&dir)
        .expect("the directory")
        .filter_map(|f| f.ok()?.file_name().to_str()?.strip_suffix(".cedar")?.parse().ok())
        .collect();
    sizes.sort();
    for n in sizes {
        let text = fs::read_to_string(format!("{dir}/{n}.cedar")).expect("policies");
        let set: PolicySet = text.parse().expect("policies");
        let mut samples = Vec::new();
        let start = Instant::now();
        while start.elapsed().as_millis() < BUDGET_MS || samples.len() < requests.len() {
            let r = &requests[samples.len() % requests.len()];
            let before = Instant::now();
            black_box(authorizer.is_authorized(black_box(r), &set, &entities));
            samples.push(before.elapsed().as_nanos());
        }
        samples.sort();
        let at = |p: f64| samples[((samples.len() - 1) as f64 * p) as usize];
        let wrong = differing(&set, &entities, &requests, &read(&dir, &format!("{n}.decisions")));
        let ratio = at(0.5) as f64 / ours[n.to_string()].as_f64().expect("our p50");
        println!("{n:8} {:13} {:10} {wrong:7}  {ratio:.0} times ours", at(0.5), at(0.99));
    }
}
