"""Whatever route there is, today's or tomorrow's: no answer to a technician holds the number."""

from __future__ import annotations

from tests.integration.rights.house import Company, assert_safe

PARAMS = {"field": "labels", "dataset": "Ticket", "kind": "customer", "system": "r", "local_id": "acme"}
BODY = {"text": "a word", "reason": "waiting_for_part", "resolution": "done"}


def _urls(company: Company, path: str) -> list[str]:
    given = {
        "ticket": [company.ticket, company.earlier],
        "global_id": [company.device, company.customer, company.ticket],
    }
    urls = [path]
    for name in ("ticket", "global_id"):
        if f"{{{name}}}" in path:
            urls = [path.replace(f"{{{name}}}", value) for value in given[name]]
    for name, value in {"action": "comment", "connection": "r", "stream": "alert", "field": "title"}.items():
        urls = [url.replace(f"{{{name}}}", value) for url in urls]
    return [url.replace("{name}", "opened") if "{" not in url or "{name}" in url else _numbered(url) for url in urls]


def _numbered(url: str) -> str:
    while "{" in url:
        before, _, rest = url.partition("{")
        url = before + "1" + rest.partition("}")[2]
    return url


def test_no_route_gives_a_technician_the_number(company: Company) -> None:
    header = company.header("li.na", role="admin")  # who may ask for everything, if it were not for being a technician
    paths = company.api.client.get("/openapi.json").json()["paths"]
    answered = 0
    for path, methods in paths.items():
        if path.startswith(
            ("/v1/inbound", "/metrics", "/healthz", "/readyz", "/v1/live")
        ):  # goes on; tells what /v1/overview does
            continue
        for method in sorted(methods):
            for url in _urls(company, path):
                body = None if method == "get" else BODY
                answer = company.api.client.request(method.upper(), url, headers=header, params=PARAMS, json=body)
                assert answer.status_code < 500, f"{method} {url}: {answer.text}"
                assert_safe(answer.text)
                answered += answer.status_code == 200
    assert answered > 5
    history = company.ask("li.na", "GET", f"/v1/tickets/{company.ticket}/history")
    assert company.earlier in history.text
