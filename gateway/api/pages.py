"""The API's own pages: Swagger UI, served from the machine itself."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse
from swagger_ui_bundle import swagger_ui_path

from gateway.errors import NotFound

router = APIRouter(include_in_schema=False)
_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon-32x32.png": "image/png"}


@router.get("/docs")
def docs() -> Response:
    """Every route with its shapes; nothing is loaded from elsewhere."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json", title="Weft API", swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css", swagger_favicon_url="/docs/favicon-32x32.png",
    )  # fmt: skip


@router.get("/docs/{asset}")
def asset(asset: str) -> Response:
    if asset not in _ASSETS:
        raise NotFound(f"There is no page {asset!r}.")
    return FileResponse(Path(swagger_ui_path) / asset, media_type=_ASSETS[asset])
