"""A page, or a badge, is written beside its target and renamed: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from assay.errors import StoreError

__all__ = ["write_page"]


def write_page(build: Callable[[], str], path: str | os.PathLike[str], *, what: str = "report") -> Path:
    """Writes what `build` gives to `path`, if that is a place for it; `what` it is stands in errors.

    Returns:
        The absolute path of the file.

    Raises:
        StoreError: the file cannot be written; what stood at `path` before is untouched.
    """
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise StoreError(
            f"cannot write the {what} to {target}: there is no folder {target.parent}; make it, or choose another place"
        )
    if target.exists() and not target.is_file():
        raise StoreError(f"cannot write the {what} to {target}: it is a folder or a device; name a file")
    text = build()
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write the {what} to {target}: {error.strerror}; choose another place") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return target
