"""The web UI as the gateway serves it: one page for every address, files that may be kept, a policy for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.api import web
from tests.integration.gateway.in_process import Build
from tests.integration.gateway.over_http import PROBLEM, Api, open_api

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Weft</title>")
    (folder / "assets" / "index-abc.js").write_text("let a = 1")
    (folder / "assets" / "index-abc.js.gz").write_bytes(b"packed")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(web, "DIST", folder)
    return folder


def test_links_to_tickets_and_other_addresses_give_the_page(build: Build, dist: Path) -> None:
    with open_api(build(start=False)) as api:
        for path in ("/", "/tickets/TKT-2026-000001", "/lineage/a/b?c=d", "/p/some.token"):
            answer = api.client.get(path)
            assert (answer.status_code, "<title>Weft" in answer.text) == (200, True), path
            assert answer.headers["cache-control"] == "no-cache"
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy


def test_built_files_may_be_kept_for_ever_and_come_packed_to_who_can_unpack(build: Build, dist: Path) -> None:
    with open_api(build(start=False)) as api:
        plain = api.client.get("/assets/index-abc.js", headers={"accept-encoding": "identity"})
        assert (plain.text, "immutable" in plain.headers["cache-control"]) == ("let a = 1", True)
        with api.client.stream("GET", "/assets/index-abc.js", headers={"accept-encoding": "gzip"}) as answer:
            assert (answer.headers["content-encoding"], b"".join(answer.iter_raw())) == ("gzip", b"packed")
            assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/assets/..%2f..%2fsecret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/..%2fsecret.txt", "/.%2e/secret.txt"]
)
def test_no_address_leads_out_of_the_folder(build: Build, dist: Path, path: str) -> None:
    with open_api(build(start=False)) as api:
        assert "secret" not in api.client.get(path).text


def test_addresses_of_the_api_stay_the_apis(build: Build, dist: Path) -> None:
    with open_api(build(start=False)) as api:
        for path in ("/v1/nothing", "/v1", "/docs/nothing.js", "/assets/old.js"):
            answer = api.client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM), path
        assert api.client.get("/healthz").headers["content-type"] == "application/json"
        assert _posts_nowhere(api)


def test_without_a_built_ui_the_page_says_what_to_run(build: Build, dist: Path) -> None:
    (dist / "index.html").unlink()
    with open_api(build(start=False)) as api:
        answer = api.client.get("/tickets")
        assert (answer.status_code, "make web" in answer.text) == (503, True)


def _posts_nowhere(api: Api) -> bool:
    return api.client.post("/tickets").status_code == 405
