-- The three roles of CityJobs and what each may do in the database it is run in. Safe to run again.
-- Run by a superuser, connected to the application's database. Passwords are set apart:
--     ALTER ROLE cityjobs_web PASSWORD '…';
-- cityjobs_owner   owns the tables, runs the migrations, serves no page
-- cityjobs_web     the web: owns nothing, cannot pass by the row policies
-- cityjobs_worker  Celery and the commands: the same restrictions, other policies

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['cityjobs_owner', 'cityjobs_web', 'cityjobs_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION', wanted
        );
    END LOOP;

    EXECUTE format('ALTER DATABASE %I OWNER TO cityjobs_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO cityjobs_web, cityjobs_worker', current_database());
END
$$;

ALTER SCHEMA public OWNER TO cityjobs_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cityjobs_web, cityjobs_worker;
