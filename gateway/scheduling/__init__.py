"""When syncs and the hub's own jobs are begun: by the workers themselves, or by Airflow, from the same definitions."""
