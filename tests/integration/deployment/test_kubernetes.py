"""The Kustomize base: whole, and what its parts refer to is there. `docs/production.md` says how to check it by a cluster."""

from __future__ import annotations

from typing import Any

import yaml

from tests.integration.deployment.compose import ROOT, load

FOLDER = ROOT / "setup" / "kubernetes"


def objects() -> list[dict[str, Any]]:
    named = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert {*named, "kustomization.yaml"} == {file.name for file in FOLDER.iterdir()}
    return [each for name in named for each in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))]


def workloads() -> list[tuple[str, dict[str, Any]]]:
    return [(o["metadata"]["name"], o["spec"]) for o in objects() if o["kind"] in ("Deployment", "Job")]


def test_every_pod_is_bounded_and_has_no_rights_it_does_not_need() -> None:
    for name, spec in workloads():
        pod = spec["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            assert container["resources"].keys() == {"requests", "limits"}, name
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }, name  # fmt: skip
            assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}, name


def test_selectors_find_their_pods_and_what_is_mounted_is_there() -> None:
    there = {(o["kind"], o["metadata"]["name"]) for o in objects()}
    pods = {name: spec["template"]["metadata"]["labels"] for name, spec in workloads() if name != "weft-migrate"}
    for o in objects():
        selector = (
            o["spec"].get("selector", {}) if o["kind"] in ("Service", "Deployment", "PodDisruptionBudget") else {}
        )
        wanted = selector.get("matchLabels", selector)
        assert not wanted or wanted in pods.values(), o["metadata"]["name"]
    for _, spec in workloads():
        for volume in spec["template"]["spec"]["volumes"]:
            claim = volume.get("persistentVolumeClaim")
            assert claim is None or ("PersistentVolumeClaim", claim["claimName"]) in there


def test_the_hub_is_run_by_the_same_commands_as_in_the_compose_file() -> None:
    services = load()["services"]
    commands = {name: spec["template"]["spec"]["containers"][0]["command"] for name, spec in workloads()}
    assert commands["weft-gateway"] == services["gateway-1"]["command"]
    assert commands["weft-worker"] == services["worker-1"]["command"]
    settings = next(o for o in objects() if o["kind"] == "ConfigMap")["data"]
    told = services["gateway-1"]["environment"]
    assert settings == {name: value for name, value in told.items() if name in settings}
