"""What contents are, by their own first bytes: what a sender or a file name says is not believed."""

from __future__ import annotations

HEAD = 4096
"""So many of the first bytes are looked at."""
UNKNOWN = "application/octet-stream"

_BEGINS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"), (b"BM", "image/bmp"), (b"II*\0", "image/tiff"), (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"), (b"PK\x03\x04", "application/zip"), (b"PK\x05\x06", "application/zip"),
    (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"\xff\xf3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"), (b"\x1aE\xdf\xa3", "video/webm"), (b"fLaC", "audio/flac"),
    (b"MZ", "application/x-msdownload"), (b"\x7fELF", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/x-executable"), (b"\xcf\xfa\xed\xfe", "application/x-executable"),
    (b"\x1f\x8b", "application/gzip"), (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"), (b"#!", "text/x-script"),
)  # fmt: skip
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"avif": "image/avif",
           b"M4A ": "audio/mp4", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp", b"qt  ": "video/quicktime"}  # fmt: skip
_MARKUP = (
    (b"<svg", "image/svg+xml"),
    (b"<!doctype html", "text/html"),
    (b"<html", "text/html"),
    (b"<script", "text/html"),
)


def media_type_of(head: bytes) -> str:
    """The media type of contents that begin with these bytes. Text that a browser would run is named as that."""
    for begins, media_type in _BEGINS:
        if head.startswith(begins):
            return media_type
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    return _text(head)


def _text(head: bytes) -> str:
    if not head or b"\0" in head:
        return UNKNOWN
    try:
        head[: len(head) - 3 if len(head) >= HEAD else None].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError as error:
        if error.start < len(head) - 6:
            return UNKNOWN
    lowered = head.lower()
    return next((media_type for mark, media_type in _MARKUP if mark in lowered), "text/plain")
