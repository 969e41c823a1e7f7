"""docker-compose.yml: valid, whole, and as careful as production wants it. Docker itself is not needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.integration.deployment.compose import FILE, ROOT, load

ONCE = {"migrate", "setup", "airflow-setup"}
PARTS = {
    "gateway-1", "gateway-2", "proxy", "worker-1", "worker-2", "postgres", "mosquitto", "redis", "airflow-api-server",
    "airflow-scheduler", "airflow-dag-processor", "airflow-worker", "prometheus", "alertmanager", "sandboxes",
}  # fmt: skip


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load()


def services() -> list[str]:
    return sorted(load()["services"])


def test_everything_the_hub_needs_is_there(compose: dict[str, Any]) -> None:
    assert compose["services"].keys() >= PARTS | ONCE
    assert compose["services"]["sandboxes"]["profiles"] == ["sandboxes"]


def test_a_file_that_the_specification_does_not_allow_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "compose.yml"
    bad.write_text("services: {a: {image: x, helthcheck: {test: [CMD, a]}}}", "utf-8")
    with pytest.raises(ValueError, match="helthcheck"):
        load(bad)


@pytest.mark.parametrize("name", services())
def test_each_service_is_bounded_watched_and_has_no_rights_it_does_not_need(name: str, compose: dict[str, Any]) -> None:
    service = compose["services"][name]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() >= {"cpus", "memory"}
    if name not in ONCE:
        assert "healthcheck" in service
    assert "latest" not in service["image"]
    assert "/" not in service["image"] or "." not in service["image"].split("/")[0], "a registry of one's own choice"


def test_what_is_referred_to_is_there(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("secrets", ())) <= compose["secrets"].keys(), name
        assert set(service.get("depends_on") or ()) <= compose["services"].keys(), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"], volume
        for variable, value in (service.get("environment") or {}).items():
            for secret in re.findall(r"/run/secrets/(\w+)", str(value)):
                assert secret in service["secrets"], f"{name}: {variable} reads a secret that is not mounted"


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|FERNET", variable):
                assert variable.endswith(("_FILE", "_CMD")), f"{name}: {variable}"
            assert not re.search(r"://[^/@]+:[^/@]+@", str(value)), f"{name}: {variable}"


def test_prometheus_scrapes_every_process_of_the_hub(compose: dict[str, Any]) -> None:
    told = (ROOT / "setup/observability/prometheus.yml").read_text("utf-8")
    for name, service in compose["services"].items():
        if name.startswith(("gateway-", "worker-")):
            port = "8480" if name.startswith("gateway-") else "8481"
            assert f"'{name}:{port}'" in told
            assert port in service["command"]


def test_the_image_is_built_of_what_there_is_and_does_not_run_as_root(compose: dict[str, Any]) -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    stages = [line.split()[-1] for line in lines if line.startswith("FROM ")]
    wanted = {s["build"]["target"] for s in compose["services"].values() if "build" in s}
    assert wanted <= set(stages)
    for line in lines:
        if line.startswith("COPY ") and "--from=" not in line:
            missing = {source for source in line.split()[1:-1] if not (ROOT / source).exists()}
            assert not missing, line
    for stage in wanted:
        start = next(i for i, line in enumerate(lines) if line.startswith("FROM ") and line.endswith(f" {stage}"))
        end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("FROM ")), len(lines))
        users = [line.split()[1] for line in lines[start:end] if line.startswith("USER ")]
        assert users[-1] == "10001:10001"


def test_the_secrets_are_made_once_and_each_in_a_file_of_its_own(compose: dict[str, Any], tmp_path: Path) -> None:
    make = [str(ROOT / "setup/compose/secrets.sh"), str(tmp_path / "secrets")]
    subprocess.run(make, check=True, timeout=30)
    made = {file.name: file.read_text("utf-8") for file in (tmp_path / "secrets").iterdir()}
    assert made.keys() >= {Path(secret["file"]).name for secret in compose["secrets"].values()}
    subprocess.run(make, check=True, timeout=30)
    assert made == {file.name: file.read_text("utf-8") for file in (tmp_path / "secrets").iterdir()}
    assert len({value for value in made.values() if value}) == len([value for value in made.values() if value])


@pytest.mark.parametrize("script", ["setup/compose/secrets.sh", "setup/compose/airflow-database.sh"])
def test_scripts_are_syntactically_right(script: str) -> None:
    shell = shutil.which("bash") or "sh"
    subprocess.run([shell, "-n", str(ROOT / script)], check=True, timeout=10)
    assert FILE.exists()


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^([\w.\[\]-]+==[^\s;]+)", (ROOT / lock).read_text("utf-8"), re.M))


def test_the_image_has_every_package_the_hub_needs_as_it_was_tested_and_no_tools_of_developers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    image = pins("setup/runtime.lock")
    assert image <= pins("requirements.lock"), "run: make lock"
    names = {pin.partition("==")[0] for pin in image}
    needed = {re.split(r"[\[><=; ]", each)[0].lower() for each in project["dependencies"]}
    assert needed - names == set(), "run: make lock"
    assert not names & {"pytest", "mypy", "ruff"}
