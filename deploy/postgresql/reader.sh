#!/bin/sh
# The role that answers run as: it reads the tables of the schema public, those included that are made later.
set -eu
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --set database="$POSTGRES_DB" --set password="$READER_PASSWORD" \
    --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE dstill_reader LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE :"database" TO dstill_reader;
GRANT USAGE ON SCHEMA public TO dstill_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dstill_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO dstill_reader;
ALTER ROLE dstill_reader SET default_transaction_read_only = on;
REVOKE TEMPORARY ON DATABASE :"database" FROM PUBLIC;
SQL
