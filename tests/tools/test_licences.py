"""Each package of the two locks is under a licence that asks for its notice alone, or in the page."""

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "licences.md"

PERMISSIVE = re.compile(
    r"""(mit(-0|-cmu)?|0bsd|isc|zlib|cc0-1\.0|bsl-1\.0|psf-2\.0|dual\ license
        |(the\ )?(modified\ |new\ |[23]-clause\ )?bsd(-[23]-clause|\ [23]-clause)?
        |apache(-|\ |\ license\ |\ software\ license)?(2\.0)?(\ with\ llvm-exception)?
        |python\ software\ foundation)(\ licen[sc]e)?(\ iscl)?""",
    re.VERBOSE,
)


def asks_for_its_notice_alone(licence: str) -> bool:
    """By its SPDX expression, or a name that is in use; of two to choose from one is enough."""
    plain = licence.lower().replace("(", " ").replace(")", " ")
    return all(
        any(PERMISSIVE.fullmatch(" ".join(one.split())) for one in both.split(" or "))
        for both in plain.split(" and ")
    )


def licences_of(package: metadata.Distribution) -> list[str]:
    """What it says of itself: an expression, else classifiers, else a name of one line."""
    about = package.metadata
    if expression := about.get_all("License-Expression", []):
        return expression
    kinds = [
        line.split(" :: ")[-1] for line in about.get_all("Classifier", []) if "OSI Approved" in line
    ]
    return kinds or [name for name in about.get_all("License", []) if "\n" not in name]


def python_packages() -> Iterator[tuple[str, list[str]]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    locked = {package["name"] for package in lock["package"]}
    for package in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()
        if name in locked:
            yield name, licences_of(package)


def browser_packages() -> Iterator[tuple[str, list[str]]]:
    lock = json.loads((ROOT / "web" / "room" / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:  # the pages themselves have none
            yield path.rpartition("node_modules/")[2], [package.get("license", "")]


def named_in_the_page(name: str, page: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in re.findall(r"`([^` ]+)`", page))


@pytest.mark.parametrize("packages", [python_packages, browser_packages])
def test_a_package_that_asks_for_more_is_in_the_page(packages: object) -> None:
    assert callable(packages)
    page = PAGE.read_text()
    found = dict(packages())
    assert len(found) > 50, "the lock was not read"
    missing = {
        name: licences
        for name, licences in found.items()
        if not (licences and all(map(asks_for_its_notice_alone, licences)))
        and not named_in_the_page(name, page)
    }
    assert missing == {}, "name them in docs/licences.md, or do without them"


@pytest.mark.parametrize(
    ("licence", "alone"),
    [
        ("MIT OR GPL-3.0-only", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("(Apache-2.0 AND BSD-3-Clause)", True),
        ("LGPL-2.1-or-later", False),
        ("LicenseRef-NVIDIA-Proprietary", False),
        ("", False),
    ],
)
def test_an_expression_is_read_as_spdx_means_it(licence: str, alone: bool) -> None:
    assert asks_for_its_notice_alone(licence) is alone


def test_every_file_that_the_page_names_is_there() -> None:
    page = PAGE.read_text()
    linked = re.findall(r"\]\(([^)]+)\)", page)
    named = re.findall(r"`((?:agent|tests|tools|deploy|web)/[^` ]+)`", page)
    assert [link for link in linked if not (PAGE.parent / link).exists()] == []
    assert [path for path in named if not (ROOT / path).exists()] == []
