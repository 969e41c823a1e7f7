"""OpenTelemetry traces across ingest, outbox and write-back, behind a switch (`WEFT_OTEL_ENDPOINT`); off, nothing is imported.

A trace begins where a message comes in, or goes on from the sender's `traceparent`. What it brings about is carried
through the outbox's row, so that the write-back hours later, by another process, is a span of the same trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from gateway.errors import BadConfiguration, Problem

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_carried: ContextVar[str | None] = ContextVar("weft_trace", default=None)
_provider: TracerProvider | None = None

End = Callable[[str], None]


def configure(endpoint: str, *, exporter: SpanExporter | None = None) -> None:
    """Send traces to an OTLP/HTTP endpoint from now on; empty: none, and those that wait are sent. `exporter` instead of
    the endpoint's. Raises BadConfiguration when the package is not there."""
    global _provider
    if _provider is not None:
        _provider.shutdown()
        _provider = None
    if not endpoint and exporter is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        problem = Problem("otel_endpoint", f"OpenTelemetry is not installed ({error})", "pip install 'weft[otel]'")
        raise BadConfiguration("Traces can't be sent.", [problem]) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "weft"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=endpoint)))
    _provider = provider


def on() -> bool:
    """Are traces sent?"""
    return _provider is not None


def carried() -> str | None:
    """The `traceparent` that what is queued now belongs to."""
    return _carried.get()


@contextmanager
def carrying(trace: str | None) -> Iterator[None]:
    """What is queued within belongs to this trace."""
    token = _carried.set(trace)
    try:
        yield
    finally:
        _carried.reset(token)


def begin(name: str, parent: str | None = None, **attributes: Any) -> tuple[str | None, End]:
    """A span that ends elsewhere: its `traceparent`, and what ends it (with an error, or empty)."""
    if _provider is None:
        return None, _nothing
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    context = propagator.extract({"traceparent": parent} if parent else {})
    span = _provider.get_tracer("weft").start_span(
        name, context, attributes={f"weft.{key}": value for key, value in attributes.items()}
    )

    def end(error: str = "") -> None:
        if error:
            span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        span.end()

    carrier: dict[str, str] = {}
    propagator.inject(carrier, trace.set_span_in_context(span))
    return carrier.get("traceparent"), end


def _nothing(_error: str = "") -> None:
    """What ends a span that was never begun."""


@contextmanager
def _span(name: str, parent: str | None, attributes: dict[str, Any]) -> Iterator[None]:
    trace, end = begin(name, parent, **attributes)
    try:
        with carrying(trace or parent):
            yield
    except BaseException as error:
        end(type(error).__name__)
        raise
    end("")


def span(name: str, parent: str | None = None, **attributes: Any) -> AbstractContextManager[None]:
    """A span around a piece of work; what is queued within belongs to it."""
    return _span(name, parent, attributes)
