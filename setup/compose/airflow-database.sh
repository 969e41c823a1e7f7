#!/bin/bash
# Run once by PostgreSQL's container, when its data folder is new: Airflow's own database beside the hub's.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$(cat /run/secrets/airflow_password)" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'password';
CREATE DATABASE airflow OWNER airflow;
SQL
