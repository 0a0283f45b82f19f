-- SPDX-License-Identifier: Apache-2.0
-- packs/postgresql/tools.sql - what the tools of upstreams/pg.yaml run. After setup.sql, as a
-- superuser, in the same database:
--
--	psql -d orders -f setup.sql -f tools.sql
--	GRANT remit_managed TO app_report;	(once per login that agents may contain)
--
-- A leased credential is a member of remit_read or remit_contain, and may run these functions and
-- nothing else. They belong to remit_tools, who cannot log in, and act only on logins that an
-- administrator put into remit_managed; never on superusers, on roles that replicate, make roles or
-- bypass row security, and never on Remit's own. Safe to run again.

\set ON_ERROR_STOP on
BEGIN;

DO $$
DECLARE
	r text;
BEGIN
	FOREACH r IN ARRAY ARRAY['remit_managed', 'remit_read', 'remit_contain'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r);
		END IF;
	END LOOP;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'remit_tools') THEN
		CREATE ROLE remit_tools NOLOGIN CREATEROLE;
	END IF;
END
$$;
GRANT pg_signal_backend, pg_read_all_stats TO remit_tools;
GRANT USAGE ON SCHEMA remit TO remit_tools, remit_read, remit_contain;

-- Who logged in, from where, and did it work: fill it from the application, or replace the table by
-- a view with these columns over the application's own.
DO $$
BEGIN
	IF to_regclass('remit.login_events') IS NULL THEN
		CREATE TABLE remit.login_events (
			at timestamptz NOT NULL DEFAULT now(),
			login text NOT NULL,
			client text,
			succeeded boolean NOT NULL,
			detail text
		);
		CREATE INDEX ON remit.login_events (login, at);
	END IF;
END
$$;
GRANT SELECT ON remit.login_events TO remit_tools;

-- The login, when agents may act on it; else an error. One message for all that is off limits, so
-- that it cannot be used to find out which roles there are.
CREATE OR REPLACE FUNCTION remit.managed(login text) RETURNS oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id oid;
BEGIN
	SELECT r.oid INTO id FROM pg_roles r
	 WHERE r.rolname = login AND NOT r.rolsuper AND NOT r.rolreplication
	   AND NOT r.rolcreaterole AND NOT r.rolcreatedb AND NOT r.rolbypassrls
	   AND r.rolname !~ '^(remit|pg)_'
	   AND EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
			WHERE m.member = r.oid AND g.rolname = 'remit_managed');
	IF id IS NULL THEN
		RAISE EXCEPTION 'login "%" is not one that agents may act on', login
			USING ERRCODE = 'insufficient_privilege',
			HINT = 'an administrator runs: GRANT remit_managed TO ...';
	END IF;
	RETURN id;
END
$$;

CREATE OR REPLACE FUNCTION remit.sessions(login text) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH s AS (
		SELECT pid, host(client_addr) AS client, application_name AS application, state,
		       backend_start AS since, left(query, 500) AS query
		  FROM pg_stat_activity WHERE usesysid = remit.managed(login)
	)
	SELECT json_build_object('login', login, 'count', (SELECT count(*) FROM s),
		'sessions', coalesce((SELECT json_agg(row_to_json(t)) FROM
			(SELECT * FROM s ORDER BY since, pid LIMIT 100) t), '[]'))
$$;

CREATE OR REPLACE FUNCTION remit.sessions_all() RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH s AS (
		SELECT a.usename AS login, count(*) AS sessions,
		       array_agg(DISTINCT host(a.client_addr)) AS clients
		  FROM pg_stat_activity a JOIN pg_auth_members m ON m.member = a.usesysid
		  JOIN pg_roles g ON g.oid = m.roleid AND g.rolname = 'remit_managed'
		 GROUP BY a.usename
	)
	SELECT json_build_object('count', (SELECT coalesce(sum(sessions), 0) FROM s),
		'logins', coalesce((SELECT json_agg(row_to_json(t)) FROM
			(SELECT * FROM s ORDER BY sessions DESC, login LIMIT 100) t), '[]'))
$$;

CREATE OR REPLACE FUNCTION remit.audit(login text, minutes integer) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH v AS (
		SELECT at, client, succeeded, left(detail, 500) AS detail FROM remit.login_events e
		 WHERE e.login = audit.login AND remit.managed(audit.login) IS NOT NULL
		   AND at > now() - make_interval(mins => greatest(1, least(minutes, 10080)))
	)
	SELECT json_build_object('login', login, 'count', (SELECT count(*) FROM v),
		'failed', (SELECT count(*) FROM v WHERE NOT succeeded),
		'events', coalesce((SELECT json_agg(row_to_json(t)) FROM
			(SELECT * FROM v ORDER BY at DESC LIMIT 100) t), '[]'))
$$;

CREATE OR REPLACE FUNCTION remit.role_state(login text) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT json_build_object('login', rolname, 'can_login', rolcanlogin,
		'valid_until', rolvaliduntil, 'connection_limit', rolconnlimit,
		'sessions', (SELECT count(*) FROM pg_stat_activity WHERE usesysid = r.oid))
	  FROM pg_roles r WHERE r.oid = remit.managed(login)
$$;

-- Ends all sessions of a login and waits for them, at most two seconds each. What the login may do
-- does not change: it can begin new ones.
CREATE OR REPLACE FUNCTION remit.session_terminate(login text) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id oid := remit.managed(login);
	ended integer;
	told integer;
BEGIN
	SELECT count(*) FILTER (WHERE t.ok), count(*) INTO ended, told FROM (
		SELECT pg_terminate_backend(pid, 2000) AS ok FROM pg_stat_activity
		 WHERE usesysid = id AND pid <> pg_backend_pid() LIMIT 1000) t;
	RETURN json_build_object('login', login, 'ended', ended, 'told', told);
END
$$;

CREATE OR REPLACE FUNCTION remit.role_set_login(login text, may_log_in boolean) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM remit.managed(login);
	PERFORM pg_advisory_xact_lock(hashtextextended(login, 7237));
	EXECUTE format(CASE WHEN may_log_in THEN 'ALTER ROLE %I LOGIN' ELSE 'ALTER ROLE %I NOLOGIN'
		       END, login);
	RETURN json_build_object('login', login, 'can_login', may_log_in);
END
$$;

-- NOLOGIN only: open sessions go on until session_terminate ends them.
CREATE OR REPLACE FUNCTION remit.role_disable(login text) RETURNS json
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT remit.role_set_login(login, false)
$$;

CREATE OR REPLACE FUNCTION remit.role_enable(login text) RETURNS json
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT remit.role_set_login(login, true)
$$;

-- Who owns them, and who may run them.
DO $$
DECLARE
	f text;
BEGIN
	FOREACH f IN ARRAY ARRAY['managed(text)', 'role_set_login(text, boolean)', 'sessions(text)',
				 'sessions_all()', 'audit(text, integer)', 'role_state(text)',
				 'session_terminate(text)', 'role_disable(text)',
				 'role_enable(text)'] LOOP
		EXECUTE format('ALTER FUNCTION remit.%s OWNER TO remit_tools', f);
		EXECUTE format('REVOKE ALL ON FUNCTION remit.%s FROM PUBLIC', f);
	END LOOP;
	FOREACH f IN ARRAY ARRAY['sessions(text)', 'sessions_all()', 'audit(text, integer)',
				 'role_state(text)'] LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION remit.%s TO remit_read', f);
	END LOOP;
	FOREACH f IN ARRAY ARRAY['session_terminate(text)', 'role_disable(text)',
				 'role_enable(text)'] LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION remit.%s TO remit_contain', f);
	END LOOP;
END
$$;

-- The broker may lend these two groups.
SELECT remit.allow('remit_read'), remit.allow('remit_contain');

COMMIT;
