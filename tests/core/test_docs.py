"""The docs match the code: commands as --help prints them, links with targets, names that exist."""

from __future__ import annotations

import fnmatch
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from dstill import config
from dstill.cli import build
from dstill.plugins import part_sections


def script(name: str, root: Path) -> Any:
    """A script of docs/ as a module; scripts import one another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "docs"))
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def make_cli(root: Path) -> Any:
    return script("make_cli", root)


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def without_code(page: Path) -> str:
    """Code may look like a link or a heading."""
    return re.sub(r"^(    |```.*?^```).*?$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Anchors of its headings, as GitHub builds them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("page", "name"), [("commands.md", "make_cli"), ("config.md", "make_config"), ("check_rules.md", "make_rules")]
)
def test_page_matches_the_code(root: Path, page: str, name: str) -> None:
    assert (root / "docs" / page).read_text() == script(name, root).text(), "run `make docs`"


def test_config_page_has_every_key(root: Path) -> None:
    _, app = build([])
    found = config.load(use_files=False, sections=part_sections(app.plugins))
    documented = re.findall(r"^- \*\*`([\w.]+)`\*\*", (root / "docs" / "config.md").read_text(), re.MULTILINE)
    assert set(found.flat()) <= set(documented)
    assert len(set(documented)) == len(documented)


def test_patterns_of_rare_keys_match_some(root: Path) -> None:
    make_config = script("make_config", root)
    _, app = build([])
    keys = config.load(use_files=False, sections=part_sections(app.plugins)).flat()
    patterns = (*make_config.RARE, *make_config.RARE_BUT_NEEDED)
    assert [pattern for pattern in patterns if not fnmatch.filter(keys, pattern)] == []


def test_every_key_has_a_sentence_of_help() -> None:
    _, app = build([])
    found = config.load(use_files=False, sections=part_sections(app.plugins))
    help_of = {key: field.metadata.get("help", "") for key, field in config.fields(found).items()}
    assert {key: text for key, text in help_of.items() if not re.fullmatch(r"[A-Z`].{9,}\.", text)} == {}


def test_llms_txt_matches_the_navigation(root: Path) -> None:
    text = (root / "docs" / "llms.txt").read_text()
    assert text == script("make_llms", root).text(), "run `make docs`"
    assert re.match(r"# dstill\n\n> .+\n\n## ", text)
    named = re.findall(r"^- \[.+?\]\((.+?)\): .+\.?$", text, re.MULTILINE)
    assert len(named) == text.count("\n- ")
    assert {root / "docs" / page for page in named} == set((root / "docs").rglob("*.md"))


def test_commands_page_has_every_command(root: Path, project: Path) -> None:
    text = (root / "docs" / "commands.md").read_text()
    group, _ = build([])
    for name in group.commands:
        assert f"## `dstill {name}`" in text


def test_exit_codes_page_matches_the_errors(make_cli: Any) -> None:
    from dstill import errors

    codes = {getattr(errors, name).exit_code for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", make_cli.HEAD, re.MULTILINE)} == codes | {0}


def test_links_have_targets(root: Path) -> None:
    for page in pages(root):
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", without_code(page)):
            if not target.startswith(("http://", "https://")):
                there = page.parent / target if target else page
                assert there.exists(), f"{page.name}: {target}"
                assert not anchor or anchor in anchors(there), f"{page.name}: {target}#{anchor}"


def test_links_of_the_docs_stay_within_the_docs(root: Path) -> None:
    """The website contains only docs/."""
    for page in pages(root)[1:]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", without_code(page)):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).resolve().is_relative_to(root / "docs"), f"{page.name}: {target}"


def test_files_and_modules_named_by_a_page_exist(root: Path) -> None:
    for page in pages(root):
        text = page.read_text()
        modules = {name.replace(".", "/") for name in re.findall(r"python -m (tests(?:\.\w+)+)", text)}
        folders = "core|plugins|task_packs|tests|docs|tools"
        for named in {*modules, *re.findall(rf"(?<![\w./-])(?:{folders})/[\w/-]+\.(?:py|md)\b", text)}:
            assert (root / named).exists() or (root / f"{named}.py").exists(), f"{page.name}: {named}"


def test_commands_and_options_named_by_a_page_exist(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSTILL_DISABLE", raising=False)
    group, _ = build([])
    group.load()
    for page in pages(root):
        for line in re.findall(r"(?:^    |`)(dstill [^`#\n]+)", page.read_text(), re.MULTILINE):
            words = line.split()
            name = next((word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]+", word)), None)
            if name is None or any(word in ("--plugin", "--config") for word in words):
                continue
            assert name in group.commands, f"{page.name}: {line}"
            params = group.commands[name].params
            known = {option for p in params for option in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
            inner = getattr(group.commands[name], "commands", {})
            known |= {option for command in inner.values() for p in command.params for option in p.opts}
            for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", line):
                assert option in known, f"{page.name}: {line}"
