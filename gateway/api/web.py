"""The web UI: the files that `make web` built, and its one page for every address that is none of the API's."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from gateway.errors import NotFound

router = APIRouter(include_in_schema=False)
DIST = Path(__file__).parents[1] / "web" / "dist"
API = ("v1", "r", "docs", "openapi.json", "healthz", "readyz", "metrics")
"""First parts of addresses that are not the UI's."""

HEADERS = {
    # styles in the page: the components make theirs while they run
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # an address may hold a customer's link
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>Weft 纬</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 15vh auto; padding: 0 1em; line-height: 1.6">
<h1>网页界面还没有构建 · The web UI is not built</h1>
<p>中枢在运行，API 可用：<a href="/docs">/docs</a>。在源码目录里运行 <code>make web</code>，再刷新本页。</p>
<p lang="en">The hub runs and its API works: <a href="/docs">/docs</a>. Run <code>make web</code> in the source folder,
then load this page again.</p>"""


@router.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:
    """A built file; its name holds a digest of it, so it never changes."""
    file = DIST / "assets" / name
    if "/" in name or name.startswith(".") or not file.is_file():
        raise NotFound(f"There is no file {name!r}; the page is of another version: load it again.")
    return _file(request, file, "public, max-age=31536000, immutable")


@router.get("/{path:path}")
def page(request: Request, path: str) -> Response:
    """The page; it knows by itself what to show at an address."""
    if path.split("/", 1)[0] in API:
        raise NotFound(f"There is no address /{path}.")
    if not (DIST / "index.html").is_file():
        return HTMLResponse(_NOT_BUILT, 503, HEADERS | {"Cache-Control": "no-store"})
    if path and "/" not in path and not path.startswith(".") and (DIST / path).is_file():
        return _file(request, DIST / path, "public, max-age=3600")
    return _file(request, DIST / "index.html", "no-cache")


def _file(request: Request, file: Path, cache: str) -> Response:
    headers = HEADERS | {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    packed = file.with_name(file.name + ".gz")
    kind = _KINDS.get(file.suffix, "application/octet-stream")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        return FileResponse(packed, media_type=kind, headers=headers | {"Content-Encoding": "gzip"})
    return FileResponse(file, media_type=kind, headers=headers)


_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
          ".png": "image/png", ".woff2": "font/woff2", ".json": "application/json"}  # fmt: skip
