#!/usr/bin/env python3
"""Takes the chart library from npm into `python/assay/report/vendor`, with licences and checksums.

    scripts/vendor_charts.py            fetch the pinned versions and write the files
    scripts/vendor_charts.py --check    compare the files with SHA256SUMS; exit 1 on any difference

A report is one file that opens offline, so the chart library travels inside the wheel. `npm pack`
fetches each package and verifies it against its published integrity hash; what is kept is the
built script and the licence. Two changes are made, both mechanical: the pointer to a source map
that is not shipped is dropped, and the expression interpreter, published as a module only, is
wrapped so that it leaves one global name like the others.

The accessibility checker axe-core (MPL-2.0) is fetched the same way into `tests/report/vendor`: tests run it in their
browser; it is in no wheel and on no page.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "python" / "assay" / "report" / "vendor"
TEST_VENDOR = ROOT / "tests" / "report" / "vendor"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Package:
    """One npm package: which version, and which built file of it is kept."""

    name: str
    version: str
    script: str  # path inside the package
    exports: str | None = None  # for a module: the global name it is given
    licence: str = "BSD-3-Clause"
    folder: Path = VENDOR


# In the order in which a page loads them.
PACKAGES = (
    Package("vega", "6.4.0", "build/vega.min.js"),
    Package("vega-lite", "6.4.3", "build/vega-lite.min.js"),
    Package("vega-embed", "7.3.0", "build/vega-embed.min.js"),
    Package("vega-interpreter", "2.3.2", "build/vega-interpreter.js", exports="vegaInterpreter"),
    Package("axe-core", "4.14.1", "axe.min.js", licence="MPL-2.0", folder=TEST_VENDOR),
)

_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")
_IMPORT = re.compile(r"^import (\{[^}]+\}) from 'vega-util';$", re.MULTILINE)
_EXPORT = re.compile(r"^export \{ expression as expressionInterpreter \};$", re.MULTILINE)


def main() -> int:
    """Fetches or checks; the exit code is 0 if all is as recorded."""
    parser = argparse.ArgumentParser(description="Vendor the chart library's JavaScript.")
    parser.add_argument("--check", action="store_true", help="only compare the files with their checksums")
    if parser.parse_args().check:
        wrong = [line for folder in (VENDOR, TEST_VENDOR) for line in check(folder)]
        print("\n".join(wrong) if wrong else f"{len(PACKAGES)} packages are as recorded")
        return 1 if wrong else 0
    for package in PACKAGES:
        package.folder.mkdir(parents=True, exist_ok=True)
        fetch(package)
        print(f"{package.name} {package.version}")
    for folder in (VENDOR, TEST_VENDOR):
        write_sums(folder)
    return 0


def fetch(package: Package) -> None:
    """Writes `<name>.js` and `<name>.LICENSE` of one package."""
    with tempfile.TemporaryDirectory() as folder:
        listing = subprocess.run(
            ["npm", "pack", f"{package.name}@{package.version}", "--json", "--pack-destination", folder],
            check=True,
            capture_output=True,
            text=True,
        )
        archive = Path(folder) / json.loads(listing.stdout)[0]["filename"].replace("/", "-")
        with tarfile.open(archive) as tar:
            manifest = json.loads(_member(tar, "package.json"))
            if manifest["license"] != package.licence:
                raise SystemExit(
                    f"{package.name} is under {manifest['license']}; expected {package.licence}: look before vendoring"
                )
            script, licence = _member(tar, package.script), _member(tar, "LICENSE")
    script = _SOURCE_MAP.sub("", script.rstrip()) + "\n"
    if package.exports:
        script = as_global(script, package.exports)
    if "</script" in script.lower():
        raise SystemExit(f"{package.script} of {package.name} holds a closing script tag and cannot be inlined")
    header = f"/*! {package.name} {package.version}, {package.licence}; see {package.name}.LICENSE */\n"
    (package.folder / f"{package.name}.js").write_text(header + script, encoding="utf-8")
    (package.folder / f"{package.name}.LICENSE").write_text(licence, encoding="utf-8")


def as_global(module: str, name: str) -> str:
    """The module as a plain script that takes its imports from `vega` and sets one global."""
    body, imports = _IMPORT.subn(r"const \1 = vega;", module)
    body, exports = _EXPORT.subn(f"globalThis.{name} = {{ expressionInterpreter: expression }};", body)
    if (imports, exports) != (1, 1):
        raise SystemExit(f"the module for {name} has {imports} imports and {exports} exports; expected one of each")
    return f"(function () {{\n'use strict';\n{body}}})();\n"


def write_sums(folder: Path) -> None:
    """Writes the checksums in the form that `sha256sum --check` reads."""
    lines = [f"{_sha256(path)}  {path.name}\n" for path in _files(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


def check(folder: Path) -> list[str]:
    """What differs from a folder's SHA256SUMS, one line each; empty if nothing does."""
    lines = (folder / SUMS).read_text().splitlines()
    recorded = {name: digest for digest, name in (line.split() for line in lines)}
    present = {path.name: _sha256(path) for path in _files(folder)}
    return [
        f"{name}: recorded {recorded.get(name, 'nothing')}, found {present.get(name, 'nothing')}"
        for name in sorted(recorded.keys() | present.keys())
        if recorded.get(name) != present.get(name)
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".js", ".LICENSE"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _member(tar: tarfile.TarFile, name: str) -> str:
    handle = tar.extractfile(f"package/{name}")
    if handle is None:
        raise SystemExit(f"the archive has no {name}")
    return handle.read().decode("utf-8")


if __name__ == "__main__":
    sys.exit(main())
