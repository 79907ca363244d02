"""What the project brings in and what it gives away: offline checks that can fail.

Every distribution that is installed is pinned in the requirements, at that version, under a licence
from the list; and no file of the project holds a secret. No network is asked.
"""

import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = {"pip"}
"""What makes the environment, and is not in it."""
ALLOWED = (
    "0bsd", "apache", "bsd", "cc0", "epl-2.0", "isc", "lgpl", "lesser general public", "mit",
    "mozilla public", "mpl", "psf", "python software foundation", "unlicense", "zlib",
)  # fmt: skip
FORBIDDEN = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero", re.IGNORECASE)

SECRETS = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}")),
    ("an access key", re.compile(r"\b(?:AKIA|LTAI)[0-9A-Za-z]{16,}\b")),
    ("a token of a code host", re.compile(r"\b(?:ghp|gho|glpat|github_pat)[-_][0-9A-Za-z_-]{20,}")),
    ("a web token", re.compile(r"\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}")),
    ("a kept password", re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]{16,}\$")),
    (
        "a password in an address",
        re.compile(
            r"\b[a-z][a-z0-9+]*://[^\s:/@{}<>'\"]+:(?!grid135_test|secret@|\$|\{|<|…|\*)[^\s@/{}<>'\"]{6,}@"
        ),
    ),
    (
        "a password in a setting",
        re.compile(
            r"^\s*(?:password|secret|token|api_key)\s*=\s*[\"'](?=[^\"']*\d)(?=[^\"']*[a-z])"
            r"[A-Za-z0-9+/_-]{20,}[\"']",
            re.MULTILINE,
        ),
    ),
)
TEXT = {
    ".py",
    ".toml",
    ".md",
    ".js",
    ".css",
    ".json",
    ".txt",
    ".csv",
    ".geojson",
    ".svg",
    "",
    ".sh",
}


def canonical(name: str) -> str:
    """A distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(*texts: str) -> dict[str, str]:
    """What requirements pin, by canonical name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", "\n".join(texts), re.MULTILINE)
    return {canonical(name): version for name, version in found}


def loose(*texts: str) -> list[str]:
    """Lines of requirements that pin nothing."""
    lines = [line.split("#")[0].strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("-r") and "==" not in line]


def unpinned(installed: Iterable[tuple[str, str]], pinned: dict[str, str]) -> list[str]:
    """What is installed otherwise than pinned."""
    return [
        f"{name} {version}"
        for name, version in installed
        if canonical(name) not in TOOLS and pinned.get(canonical(name)) != version
    ]


def licence(distribution: Distribution) -> str:
    """What a distribution says its licence is: expression, classifiers, or the first line."""
    about = distribution.metadata
    classifiers = [c for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    said = about.get("License-Expression") or "; ".join(classifiers)
    return said or (about.get("License") or "").strip().splitlines()[0]


def is_allowed(said: str) -> bool:
    """Whether a licence may be built on: permissive, or weak copyleft of an unchanged library."""
    return any(word in said.lower() for word in ALLOWED) and not FORBIDDEN.search(said)


def secrets_in(text: str) -> list[str]:
    """What a text gives away."""
    return [what for what, pattern in SECRETS if pattern.search(text)]


def requirements() -> list[str]:
    """The texts of both files."""
    return [
        (ROOT / name).read_text("utf-8") for name in ("requirements.txt", "requirements-dev.txt")
    ]


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = [(found.name, found.version) for found in distributions()]

    assert loose(*requirements()) == []
    assert unpinned(installed, pins(*requirements())) == []


@pytest.mark.parametrize(
    ("name", "version", "bad"),
    [
        ("Left-Pad", "1.0", True),
        ("dash", "4.4.1", True),
        ("Dash", "4.1.0", False),
        ("pip", "1", False),
    ],
)
def test_a_distribution_that_is_not_pinned_is_noticed(name: str, version: str, bad: bool) -> None:
    assert bool(unpinned([(name, version)], {"dash": "4.1.0"})) is bad


def test_a_requirement_without_a_version_is_noticed() -> None:
    assert loose("dash==4.1.0\nnumpy  # any\n") == ["numpy"]


def test_every_licence_may_be_built_on() -> None:
    wrong = {
        found.name: licence(found)
        for found in distributions()
        if canonical(found.name) not in TOOLS and not is_allowed(licence(found))
    }

    assert wrong == {}


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("LGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", False),
        ("License :: OSI Approved :: GNU Affero General Public License v3", False),
        ("Commercial", False),
        ("", False),
    ],
)
def test_a_licence_that_may_not_be_built_on_is_noticed(said: str, allowed: bool) -> None:
    assert is_allowed(said) is allowed


def test_no_file_of_the_project_holds_a_secret() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = {
        file.relative_to(ROOT).as_posix(): given_away
        for file in files
        if file.suffix in TEXT and file.is_file() and file != Path(__file__)
        if (given_away := secrets_in(file.read_text("utf-8", errors="replace")))
    }

    assert len(files) > 100
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx" * 4,
        "key = AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1b2c3d4e5f6a7b8c9d0e1f2",
        "eyJhbGciOiJSUzI1NiIsInR5" + ".eyJzdWIiOiIxMjM0NTY3ODkw" + ".c2lnbmF0dXJlc2lnbmF0",
        "$argon2id$v=19$m=65536,t=3,p=4$" + "c29tZXNhbHRzb21lc2FsdA$" + "aGFzaA",
        "postgresql://grid:hunter2hunter2@10.0.0.1/grid",
        'password = "a8f5f167f44f4964e6c998dee827110c"',
    ],
)
def test_a_secret_is_noticed(text: str) -> None:
    assert secrets_in(text)


@pytest.mark.parametrize(
    "text",
    [
        'password = "GRID135_12345_PASSWORD_OF_THE_VIEW"',
        "postgresql+psycopg://grid135_test:grid135_test@127.0.0.1/x",
        "postgresql+psycopg://reader@127.0.0.1:5432/x",
        'token = "token"',
    ],
)
def test_what_is_none_is_let_through(text: str) -> None:
    assert secrets_in(text) == []
