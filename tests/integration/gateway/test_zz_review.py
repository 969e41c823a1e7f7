"""scratch"""

from tests.integration.gateway.in_process import Build

RULE = {"id": "plain", "on": "Alert", "ticket": {"kind": "'incident'", "priority": "'P1'", "title": "title"}}


def test_repeat_of_unmapped(build: Build) -> None:
    house = build({"rules": [RULE]})
    house.tell({"stream": "nothing", "key": "x", "id": "e-1"})
    house.tell({"stream": "nothing", "key": "x", "id": "e-1"})
    print(house.ends())
