"""The conformance kit of task packs: `dstill pack check NAME`, and `dstill_conformance.testing` for a pack's own tests.

`kit.check` runs it. Each group of checks is a module: a check is a function from a `Pack` to its findings, and its
docstring says what a pack must do.

    questions       ids, splits, leaks, determinism          form            tokens and pointers, grammars
    teaching        prompts, replies, rationales             documentation   what users read of the pack
    answers         checks, canonical, causes, clauses       results         golds, `same`, mutants
    guard           hostile answers                          running         connections, threads, timeouts, memory
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill pack check`."""
    from dstill.cli.groups import LazyCommand

    summary = "Check that a task pack does what dstill relies on."
    cli.add_command(LazyCommand("pack check", "dstill_conformance.command:pack_check", summary))
