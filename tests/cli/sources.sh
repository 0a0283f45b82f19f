#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/sources.sh REMIT - sources speak to a running Remit over HTTP, and others who pretend to.
set -u
. "$(dirname "$0")/../ports.sh"
remit=$1
command -v curl >/dev/null || exit 77
dir=$(mktemp -d /tmp/remit-sources.XXXXXX)
d=$dir/d
supervisor=
finish() {
	[ -z "$supervisor" ] || kill -TERM "$supervisor" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
fail() {
	echo "sources: $*" >&2
	cat "$dir/answer" >&2
	tail -25 "$dir/log" >&2
	exit 1
}
# post STATUS PATH BODY [curl's arguments]: what it must answer
post() {
	local want=$1 path=$2 body=$3
	shift 3
	got=$(curl -s -o "$dir/answer" -w '%{http_code}' --data-binary "$body" "$@" \
		"http://127.0.0.1:$((port + 1))$path")
	[ "$got" = "$want" ] || fail "$path answered $got, not $want"
}
says() {
	grep -qF "$1" "$dir/answer" || fail "the answer does not say '$1'"
}
ask() {
	"$remit" "$@" --socket "$d/run/remit.sock" >"$dir/answer" 2>&1 || fail "remit $*"
}
mac() {
	printf %s "$2" | openssl dgst -sha256 -hmac "$1" | sed 's/.* //'
}

: >"$dir/log"
: >"$dir/answer"
"$remit" init "$d" >/dev/null || fail "no deployment"
port=$(free_ports 2)
sed -i "s/:8443/:$port/; s/:8080/:$((port + 1))/" "$d/remit.yaml"
for name in pager events probe; do
	printf 'the secret of %s\n' "$name" >"$d/secrets/$name"
	chmod 600 "$d/secrets/$name"
done
sed -i '/^sources:/r /dev/stdin' "$d/remit.yaml" <<'END'
  pager:
    type: pagerduty
    secret_file: secrets/pager
    environment: production
    classes: [host-alert]
    mapping:
      class: {constant: host-alert}
      assets: [{kind: service, pointer: /event/data/service/summary}]
  events:
    type: cloudevents
    secret_file: secrets/events
    environment: production
    classes: [host-alert]
    mapping:
      class: {constant: host-alert}
      severity: /data/severity
      status: {pointer: /type, values: {down: open, up: closed}}
      assets: [{kind: host, pointer: /data/host}]
    signals: [{name: health, value: /type}]
  probe: {type: signals, secret_file: secrets/probe, signals: [health]}
END
"$remit" check "$d" >"$dir/answer" 2>&1 || fail "the deployment is not valid"
"$remit" serve "$d" 2>>"$dir/log" &
supervisor=$!
for i in $(seq 300); do
	grep -qF "ready roles=" "$dir/log" && break
	sleep 0.1
done
grep -qF "ready roles=" "$dir/log" || fail "it does not start"

# PagerDuty: the signature over the very bytes, and nothing else.
now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
page='{"event":{"id":"01","event_type":"incident.triggered","resource_type":"incident","occurred_at":"'$now'","data":{"id":"P1","type":"incident","status":"triggered","title":"help","urgency":"low","priority":null,"service":{"id":"S","summary":"shop"}}}}'
good=v1=$(mac "the secret of pager" "$page")
post 401 /v1/webhooks/pager "$page"
post 401 /v1/webhooks/pager "$page" -H "X-PagerDuty-Signature: v1=$(mac other "$page")"
post 401 /v1/webhooks/pager "$page " -H "X-PagerDuty-Signature: $good"
post 401 /v1/webhooks/pager "$page" -H "Authorization: Bearer the secret of pager"
post 200 /v1/webhooks/pager "$page" -H "X-PagerDuty-Signature: v1=$(printf %064d 0), $good"
says '"status":"open"'
incident=$(sed -n 's/.*"incident":"\(i[0-9]*\)".*/\1/p' "$dir/answer")
ask incident show "$incident"
says "assets: service:shop"
says "severity: 4"
says "event: incident.triggered"
ping='{"event":{"id":"02","event_type":"pagey.ping","resource_type":"pagey","data":{"message":"hi"}}}'
post 202 /v1/webhooks/pager "$ping" -H "X-PagerDuty-Signature: v1=$(mac "the secret of pager" "$ping")"

# CloudEvents: binary, then structured, of one incident.
token="Authorization: Bearer the secret of events"
post 401 /v1/webhooks/events '{}' -H "Authorization: Bearer the secret of probe"
post 200 /v1/webhooks/events '{"severity":2,"host":"web1"}' -H "$token" -H "ce-specversion: 1.0" \
	-H "ce-id: 1" -H "ce-source: /mon" -H "ce-type: down" -H "ce-subject: web%31" \
	-H "Content-Type: application/json"
post 200 /v1/webhooks/events \
	'{"specversion":"1.0","id":"2","source":"/mon","type":"up","subject":"web1","data":{}}' \
	-H "$token" -H "Content-Type: application/cloudevents+json"
says '"status":"closed"'
post 400 /v1/webhooks/events '{"specversion":"1.0"}' -H "$token" \
	-H "Content-Type: application/cloudevents+json"

# Signals.
token="Authorization: Bearer the secret of probe"
report='{"name":"health","asset":"host:web1","value":"down"}'
post 401 /v1/signals/probe "$report"
post 401 /v1/signals/nobody "$report" -H "$token"
post 403 /v1/signals/probe '{"name":"mood","asset":"host:web1","value":"down"}' -H "$token"
post 400 /v1/signals/probe '{"name":"health","value":"down"}' -H "$token"
post 403 /v1/webhooks/probe '{}' -H "$token"
post 200 /v1/signals/probe "$report" -H "$token"
says '"taken":1'
post 200 /v1/signals/probe '{"name":"health","asset":"host:web2","value":"up"}' -H "$token"
ask signals --asset host:web1
says probe
says events
grep -qF "host:web2" "$dir/answer" && fail "--asset does not choose"
ask signals
says "host:web2"
exit 0
