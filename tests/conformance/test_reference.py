"""The reference connector passes the whole exam."""

from connectors.conformance import Conformance
from connectors.conformance.reference.world import AcmeWorld


class TestReference(Conformance):
    world_type = AcmeWorld
