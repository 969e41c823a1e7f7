"""Connectors are found by entry point, and a broken one is listed with its reason."""

from importlib.metadata import EntryPoint

from connectors.conformance.reference import AcmeConnector
from connectors.registry import installed, why_not


class NoCapability:
    name = "nothing"
    title = "Nothing"
    title_zh = "无"
    Config = AcmeConnector.Config
    policy = AcmeConnector.policy

    def check(self) -> None: ...
    def close(self) -> None: ...


class OfAnotherContract(AcmeConnector):
    contract = 2


class BadlyNamed(AcmeConnector):
    name = "Acme Watch"


HERE = __name__


def _point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "weft.connectors")


def test_a_good_connector_is_found_by_its_name() -> None:
    catalogue = installed([_point("anything", "connectors.conformance.reference:AcmeConnector")])
    assert catalogue.good == {"acme": AcmeConnector}
    assert catalogue.broken == {}


def test_a_broken_plug_in_is_listed_and_the_others_load() -> None:
    catalogue = installed(
        [
            _point("gone", "no_such_module_anywhere:Thing"),
            _point("acme", "connectors.conformance.reference:AcmeConnector"),
        ]
    )
    assert list(catalogue.good) == ["acme"]
    assert "no_such_module_anywhere" in catalogue.broken["gone"]


def test_a_connector_for_another_contract_is_refused_with_both_numbers() -> None:
    reason = installed([_point("x", f"{HERE}:OfAnotherContract")]).broken["x"]
    assert "contract 2" in reason
    assert "contract 1" in reason


def test_a_connector_without_any_capability_is_refused() -> None:
    assert "no capability" in installed([_point("x", f"{HERE}:NoCapability")]).broken["x"]


def test_two_connectors_of_one_name_do_not_replace_each_other() -> None:
    value = "connectors.conformance.reference:AcmeConnector"
    catalogue = installed([_point("a", value), _point("b", value)])
    assert catalogue.good == {"acme": AcmeConnector}
    assert "already taken" in catalogue.broken["b"]


def test_what_is_no_class_or_lacks_parts_is_named() -> None:
    assert "no class" in why_not("a text")
    assert why_not(object) == "lacks name, title, title_zh, Config, policy, check, close"
    assert "lower case" in why_not(BadlyNamed)
