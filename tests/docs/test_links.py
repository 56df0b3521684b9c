"""Every relative link of a page in the repository leads to a file."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def pages():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split()
    return [page for page in listed if (ROOT / page).exists()]


def test_there_are_pages():
    assert {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"} <= set(pages())


@pytest.mark.parametrize("page", pages())
def test_links(page):
    text = CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    relative = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:|#", link)]
    dead = [link for link in relative if not ((ROOT / page).parent / link.split("#")[0]).exists()]
    assert not dead, f"{page} links to what is not there"
