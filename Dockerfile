# Stages: web (the UI, built by npm), build (Python environment of locked packages), weft (runs the hub), airflow (runs the DAGs).
FROM node:22-slim AS web
WORKDIR /src
COPY gateway/web/package.json gateway/web/package-lock.json ./
RUN npm install --ignore-scripts --no-audit --no-fund
COPY gateway/web ./
RUN node node_modules/vite/bin/vite.js build

FROM python:3.11-slim AS build
WORKDIR /opt/weft
COPY setup/installer.lock setup/runtime.lock setup/
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --require-hashes -r setup/installer.lock \
 && .venv/bin/uv pip install --no-cache --python .venv/bin/python --require-hashes --compile-bytecode -r setup/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY connectors connectors
COPY core_tickets core_tickets
COPY gateway gateway
COPY id_registry id_registry
COPY lineage lineage
COPY mappings mappings
COPY --from=web /src/dist gateway/web/dist
RUN .venv/bin/uv pip install --no-cache --python .venv/bin/python --no-deps "setuptools>=77" \
 && .venv/bin/uv pip install --no-cache --python .venv/bin/python --no-deps --no-build-isolation -e .
COPY setup/compose/itself.yaml setup/compose/itself.yaml

FROM python:3.11-slim AS weft
RUN apt-get update \
 && apt-get install -y --no-install-recommends unixodbc tdsodbc libodbc2 postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --home-dir /var/lib/weft weft \
 && install -d -o weft -g weft /var/lib/weft
COPY --from=build /opt/weft /opt/weft
ENV PATH=/opt/weft/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WEFT_HOME=/var/lib/weft
WORKDIR /opt/weft
VOLUME /var/lib/weft
USER 10001:10001
EXPOSE 8480
CMD ["weft", "serve", "--host", "0.0.0.0"]

FROM weft AS airflow
USER root
COPY setup/installer.lock setup/airflow.lock setup/
RUN python -m venv /opt/airflow \
 && /opt/airflow/bin/pip install --no-cache-dir --require-hashes -r setup/installer.lock \
 && /opt/airflow/bin/uv pip install --no-cache --python /opt/airflow/bin/python --require-hashes -r setup/airflow.lock \
 && install -d -o weft -g weft /var/lib/airflow
COPY dags dags
ENV PATH=/opt/airflow/bin:/opt/weft/.venv/bin:$PATH WEFT_BIN=/opt/weft/.venv/bin/weft AIRFLOW_HOME=/var/lib/airflow
USER 10001:10001
CMD ["airflow", "standalone"]
