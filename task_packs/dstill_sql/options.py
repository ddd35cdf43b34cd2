"""Options that this pack adds to dstill's commands, such as `init --schema-name NAME`."""

from __future__ import annotations

from dstill.api.option import Option, OptionValue

__all__ = ["OPTIONS"]

OPTIONS = (
    Option(
        name="--schema-name",
        commands=("init", "ask", "adapt", "doctor"),
        help="The schema of a PostgreSQL server whose tables questions are about. Default: public.",
        read=lambda text: OptionValue(settings={"executor.postgresql.schema_name": text}),
    ),
)
