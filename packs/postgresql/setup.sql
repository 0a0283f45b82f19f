-- SPDX-License-Identifier: Apache-2.0
-- packs/postgresql/setup.sql - what a PostgreSQL server (15 or later) needs before Remit can lend
-- credentials for it. Run once per server, as a superuser, in the database that leases are for:
--
--	psql -d orders -f setup.sql
--	\password remit_broker			(its password goes into the backend's password_file)
--	SELECT remit.allow('orders_readonly');	(once per group role that may be lent)
--
-- Why functions: CREATEROLE in PostgreSQL 15 is nearly superuser (it can change other roles'
-- passwords and join pg_read_all_data). So the broker, whose password Remit holds, has no rights
-- but to run these three functions; they belong to remit_owner, who cannot log in.
--
-- A lease is a role named remit_<8 hex digits>_l<number>, with a comment as a second mark, a member
-- of one allowed group role. Nothing here touches a role without both marks.
-- Safe to run again.

\set ON_ERROR_STOP on
BEGIN;

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'remit_owner') THEN
		CREATE ROLE remit_owner NOLOGIN CREATEROLE;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'remit_broker') THEN
		CREATE ROLE remit_broker LOGIN CONNECTION LIMIT 8;
	END IF;
END
$$;
GRANT pg_signal_backend TO remit_owner;

CREATE SCHEMA IF NOT EXISTS remit AUTHORIZATION remit_owner;
REVOKE ALL ON SCHEMA remit FROM PUBLIC;
GRANT USAGE ON SCHEMA remit TO remit_broker;

-- Group roles that may be lent.
CREATE TABLE IF NOT EXISTS remit.allowed (role name PRIMARY KEY);
ALTER TABLE remit.allowed OWNER TO remit_owner;

-- For the administrator, not for the broker.
CREATE OR REPLACE FUNCTION remit.allow(group_role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = group_role AND NOT rolsuper
		       AND NOT rolcreaterole AND NOT rolcanlogin) THEN
		RAISE EXCEPTION '"%" is no group role without rights to log in or make roles',
			group_role;
	END IF;
	EXECUTE format('GRANT %I TO remit_owner WITH ADMIN OPTION', group_role);
	INSERT INTO remit.allowed VALUES (group_role) ON CONFLICT DO NOTHING;
END
$$;
REVOKE ALL ON FUNCTION remit.allow(name) FROM PUBLIC;

-- Is this a lease's name? And is there such a role, with our mark?
CREATE OR REPLACE FUNCTION remit.lease_name_ok(lease text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT lease ~ '^remit_[0-9a-f]{8}_l[0-9]{1,20}$'
$$;
ALTER FUNCTION remit.lease_name_ok(text) OWNER TO remit_owner;
REVOKE ALL ON FUNCTION remit.lease_name_ok(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION remit.lease_oid(lease text) RETURNS oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT oid FROM pg_roles
	 WHERE rolname = lease AND remit.lease_name_ok(lease)
	   AND shobj_description(oid, 'pg_authid') LIKE 'remit lease %'
$$;
ALTER FUNCTION remit.lease_oid(text) OWNER TO remit_owner;
REVOKE ALL ON FUNCTION remit.lease_oid(text) FROM PUBLIC;

-- Creates the role of a lease, in one transaction with its mark and its rights. Nothing is created
-- after the deadline, whenever the statement arrives: whoever revokes may rely on that.
CREATE OR REPLACE FUNCTION remit.lease_create(lease text, verifier text, valid_until timestamptz,
					      deadline timestamptz, group_role text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
	IF NOT remit.lease_name_ok(lease) THEN
		RAISE EXCEPTION 'this is no name for a lease' USING ERRCODE = 'invalid_name';
	END IF;
	IF verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' THEN
		RAISE EXCEPTION 'only a SCRAM verifier is taken, never a password';
	END IF;
	IF NOT EXISTS (SELECT FROM remit.allowed WHERE role = group_role) THEN
		RAISE EXCEPTION 'group role "%" may not be lent', group_role;
	END IF;
	IF valid_until > clock_timestamp() + interval '7 days' THEN
		RAISE EXCEPTION 'a lease of more than 7 days';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(lease, 7236));
	IF clock_timestamp() > deadline THEN
		RAISE EXCEPTION 'too late to create this lease' USING ERRCODE = 'query_canceled';
	END IF;
	EXECUTE format('CREATE ROLE %I LOGIN INHERIT CONNECTION LIMIT 8 PASSWORD %L VALID UNTIL %L',
		       lease, verifier, valid_until);
	EXECUTE format('COMMENT ON ROLE %I IS %L', lease, 'remit lease until ' || valid_until);
	EXECUTE format('GRANT %I TO %I', group_role, lease);
END
$$;
ALTER FUNCTION remit.lease_create(text, text, timestamptz, timestamptz, text) OWNER TO remit_owner;
REVOKE ALL ON FUNCTION remit.lease_create(text, text, timestamptz, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remit.lease_create(text, text, timestamptz, timestamptz, text)
	TO remit_broker;

-- One step towards the end of a lease; to be called, each time in a transaction of its own, until
-- it says 'absent':
--	'disabled'  it can no longer log in (must be committed before sessions are looked for)
--	'busy'	    its sessions were told to end
--	'dropped'   no session was left, and the role is gone
--	'absent'    read back: there is no such role
CREATE OR REPLACE FUNCTION remit.lease_revoke(lease text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
	id oid;
BEGIN
	IF NOT remit.lease_name_ok(lease) THEN
		RAISE EXCEPTION 'this is no name for a lease' USING ERRCODE = 'invalid_name';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(lease, 7236));
	id := remit.lease_oid(lease);
	IF id IS NULL THEN
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = lease) THEN
			RAISE EXCEPTION 'role "%" does not carry the mark of a lease', lease;
		END IF;
		RETURN 'absent';
	END IF;
	IF (SELECT rolcanlogin FROM pg_roles WHERE oid = id) THEN
		EXECUTE format('ALTER ROLE %I NOLOGIN', lease);
		RETURN 'disabled';
	END IF;
	PERFORM pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usesysid = id;
	IF FOUND THEN
		RETURN 'busy';
	END IF;
	EXECUTE format('GRANT %I TO remit_owner', lease);
	EXECUTE format('DROP OWNED BY %I', lease);
	EXECUTE format('DROP ROLE %I', lease);
	RETURN 'dropped';
END
$$;
ALTER FUNCTION remit.lease_revoke(text) OWNER TO remit_owner;
REVOKE ALL ON FUNCTION remit.lease_revoke(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remit.lease_revoke(text) TO remit_broker;

-- The names of all leases on this server.
CREATE OR REPLACE FUNCTION remit.lease_list() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT rolname::text FROM pg_roles
	 WHERE remit.lease_oid(rolname::text) IS NOT NULL ORDER BY rolname
$$;
ALTER FUNCTION remit.lease_list() OWNER TO remit_owner;
REVOKE ALL ON FUNCTION remit.lease_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remit.lease_list() TO remit_broker;

COMMIT;
