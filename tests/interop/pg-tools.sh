#!/bin/bash
# pg-tools.sh PACKS - packs/postgresql against a real server: leased roles can do what their group
# may, to logins that are managed, and nothing else. TAP.
set -u
pack=$1/postgresql
bin=/usr/lib/postgresql/15/bin
if [ ! -x $bin/initdb ]; then
	echo "1..0 # SKIP no PostgreSQL 15"
	exit 0
fi
dir=$(mktemp -d /tmp/remit-pg.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
	chown nobody "$dir"
	as=(runuser -u nobody --)
fi
cp "$pack/setup.sql" "$pack/tools.sql" "$dir" && chmod 644 "$dir"/*.sql
stop() {
	"${as[@]}" $bin/pg_ctl -D "$dir/data" -m immediate stop >/dev/null 2>&1
	rm -rf "$dir"
}
trap stop EXIT
cd "$dir" || exit 1
"${as[@]}" $bin/initdb -D "$dir/data" -A trust -U postgres -N >/dev/null &&
	"${as[@]}" $bin/pg_ctl -D "$dir/data" -o "-k $dir -c listen_addresses= -c fsync=off" -w \
		-l "$dir/log" start >/dev/null || { echo "Bail out! no server"; exit 1; }

n=0
failed=0
check() { # what, extended regular expression, output
	n=$((n + 1))
	if [[ $3 =~ $2 ]]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# wanted $2"
		echo "# got $3"
		failed=1
	fi
}
admin() {
	$bin/psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$dir" -U postgres "$@" 2>&1
}
# As upstreams/pg.yaml runs it: the credential in a service file, the argument in a variable, the
# statement on standard input.
tool() { # lease, function, login
	printf '[remit]\nhost=%s\nport=5432\ndbname=postgres\nuser=%s\npassword=x\n' "$dir" "$1" \
		>"$dir/service"
	printf "SELECT remit.%s(:'login'%s);" "$2" "${4:-}" |
		PGSERVICEFILE=$dir/service $bin/psql -X -q -A -t -v ON_ERROR_STOP=1 -v "login=$3" \
			-d "service=remit application_name=remit:c42" 2>&1
}

check "setup and tools run" '^$' "$(admin -f setup.sql -f tools.sql | grep -v '^|*$' | grep -v NOTICE)"
check "and run again" '^$' "$(admin -f setup.sql -f tools.sql | grep -v '^|*$' | grep -v NOTICE)"
check "logins and leases are made" '^\|*$' "$(admin <<-'SQL'
	CREATE ROLE app_report LOGIN;
	GRANT remit_managed TO app_report;
	CREATE ROLE app_other LOGIN;
	CREATE ROLE boss SUPERUSER LOGIN;
	GRANT remit_managed TO boss;
	CREATE ROLE copier REPLICATION LOGIN;
	GRANT remit_managed TO copier;
	INSERT INTO remit.login_events (login, client, succeeded)
		VALUES ('app_report', '203.0.113.9', false), ('app_other', '203.0.113.9', true);
	SET ROLE remit_broker;
	DO $$ BEGIN
	PERFORM remit.lease_create('remit_0000000a_l1', 'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA',
		now() + interval '1h', now() + interval '10s', 'remit_read');
	PERFORM remit.lease_create('remit_0000000a_l2', 'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA',
		now() + interval '1h', now() + interval '10s', 'remit_contain');
	END $$;
	SQL
)"
reader=remit_0000000a_l1
actor=remit_0000000a_l2
$bin/psql -X -h "$dir" -U app_report -d postgres -c 'SELECT pg_sleep(60)' >/dev/null 2>&1 &
for _ in $(seq 50); do
	[ "$(admin -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_report'")" = 1 ] && break
	sleep 0.1
done

check "a reader sees sessions" '"count" : 1.*pg_sleep' "$(tool $reader sessions app_report)"
check "a reader sees who is connected" '"logins" : .*app_report' \
	"$(admin -c "SET ROLE $reader" -c 'SELECT remit.sessions_all()')"
check "a reader sees the audit of that login only" '"count" : 1, "failed" : 1' \
	"$(tool $reader audit app_report ', 60')"
check "a reader sees the state" '"can_login" : true.*"sessions" : 1' "$(tool $reader role_state app_report)"
check "a reader changes nothing" 'permission denied' "$(tool $reader role_disable app_report)"
check "a reader ends nothing" 'permission denied' "$(tool $reader session_terminate app_report)"
check "a reader reads no table" 'permission denied' \
	"$(admin -c "SET ROLE $reader" -c 'SELECT * FROM remit.login_events')"
check "a reader lends nothing" 'permission denied' \
	"$(admin -c "SET ROLE $reader" -c "SELECT remit.lease_revoke('$actor')")"
for login in app_other boss copier nobody remit_broker postgres $actor ''; do
	check "'$login' is off limits for reading" 'is not one that agents may act on' \
		"$(tool $reader sessions "$login")"
	check "'$login' is off limits for acting" 'is not one that agents may act on' \
		"$(tool $actor role_disable "$login")"
	check "'$login' keeps its sessions" 'is not one that agents may act on' \
		"$(tool $actor session_terminate "$login")"
done
check "an argument is never SQL" 'is not one that agents may act on' \
	"$(tool $actor role_disable "x'; DROP ROLE app_other; --")"
check "an argument is never a variable" 'is not one that agents may act on' \
	"$(tool $actor role_disable ":'USER'")"
check "the login is still there" '^1$' "$(admin -c "SELECT count(*) FROM pg_roles WHERE rolname = 'app_other'")"
check "an actor disables" '"can_login" : false' "$(tool $actor role_disable app_report)"
check "the login cannot log in" 'not permitted to log in' \
	"$($bin/psql -X -h "$dir" -U app_report -d postgres -c 'SELECT 1' 2>&1)"
check "its session goes on" '"can_login" : false.*"sessions" : 1' "$(tool $reader role_state app_report)"
check "an actor ends the sessions" '"ended" : 1' "$(tool $actor session_terminate app_report)"
check "no session is left" '"count" : 0' "$(tool $reader sessions app_report)"
check "an actor enables" '"can_login" : true' "$(tool $actor role_enable app_report)"
check "the inner function is nobody's" 'permission denied' \
	"$(admin -c "SET ROLE $actor" -c "SELECT remit.role_set_login('boss', false)")"
check "the broker acts on no login" 'permission denied' \
	"$(admin -c 'SET ROLE remit_broker' -c "SELECT remit.role_disable('app_report')")"
admin -c "CREATE FUNCTION public.host(inet) RETURNS text LANGUAGE sql AS \$\$ SELECT 'shadowed' \$\$" >/dev/null
check "a function of another schema shadows nothing" '"count" : 0' "$(tool $reader sessions app_report)"
echo "1..$n"
exit $failed
