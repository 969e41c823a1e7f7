#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, each in a file of its own; those that are there stay.
#
#   setup/compose/secrets.sh [FOLDER]     default: var/secrets
set -eu
umask 077
FOLDER=${1:-var/secrets}
mkdir -p "$FOLDER"

secret() { head -c "${1:-24}" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }
keep() { # NAME VALUE
  if [ -e "$FOLDER/$1" ]; then return 0; fi
  printf '%s' "$2" >"$FOLDER/$1"
  # containers read it as users of their own; who may enter the folder is what counts on this machine
  chmod 644 "$FOLDER/$1"
}

keep postgres_password "$(secret)"
keep weft_secret_key "$(secret 32)"
keep weft_admin_token "weft_$(secret)"
keep weft_admin_password "$(secret 18)"
keep weft_webhook_token "$(secret)"
keep airflow_password "$(secret)"
keep airflow_fernet_key "$(secret 32)"
keep airflow_jwt_secret "$(secret 48)"
password=$(cat "$FOLDER/airflow_password")
keep airflow_database_url "postgresql+psycopg2://airflow:$password@postgres:5432/airflow"
keep airflow_result_url "db+postgresql://airflow:$password@postgres:5432/airflow"
# a line NAME:HASH for each device: docker compose exec mosquitto mosquitto_passwd
keep mosquitto_passwords ""
chmod 755 "$FOLDER"
