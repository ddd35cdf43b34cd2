"""The schema of a database: its tables, their columns, and what these refer to.

In: CREATE TABLE statements, as a dump of the database has them. Comments after a column, and COMMENT ON, describe it:

    schema = SqlSchema.read("CREATE TABLE trips (id INT PRIMARY KEY, driver_id INT REFERENCES drivers, …)", "duckdb")
    schema.table("TRIPS").columns[1]        Column(name="driver_id", type="INT", …)
    schema.references[0]                    Reference(table="trips", columns=("driver_id",), to="drivers", …)
    schema.ddl()                            the same statements, with one spelling for all

Names keep their spelling. They are looked up without regard to case, as most engines do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Literal

from sqlglot import Dialect as Grammar
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dstill.errors import DataError
from dstill_sql.language.allowed import is_type
from dstill_sql.language.bounded_parser import parsed_tokens
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import first_line

__all__ = [
    "RESERVED_WORDS",
    "Column",
    "Family",
    "Reference",
    "SqlSchema",
    "Table",
    "family_of",
    "quoted",
    "type_text",
    "walk_columns",
]

Family = Literal["integer", "number", "text", "date", "timestamp", "time", "boolean", "other"]
# Words that are no names without quotes in at least one of the dialects.
RESERVED_WORDS = frozenset(
    [
        "ADD",
        "ALL",
        "ALTER",
        "ANALYSE",
        "ANALYZE",
        "AND",
        "ANTI",
        "ANY",
        "ARRAY",
        "AS",
        "ASC",
        "ASOF",
        "ASYMMETRIC",
        "AT",
        "AUTHORIZATION",
        "AUTOINCREMENT",
        "BETWEEN",
        "BINARY",
        "BOTH",
        "BY",
        "CASE",
        "CAST",
        "CHECK",
        "COLLATE",
        "COLLATION",
        "COLUMN",
        "COLUMNS",
        "COMMIT",
        "CONCURRENTLY",
        "CONSTRAINT",
        "CREATE",
        "CROSS",
        "CURRENT_CATALOG",
        "CURRENT_DATE",
        "CURRENT_ROLE",
        "CURRENT_SCHEMA",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "DEFAULT",
        "DEFERRABLE",
        "DELETE",
        "DESC",
        "DESCRIBE",
        "DISTINCT",
        "DO",
        "DROP",
        "ELSE",
        "END",
        "ESCAPE",
        "EXCEPT",
        "EXISTS",
        "FALSE",
        "FETCH",
        "FOR",
        "FORCE",
        "FOREIGN",
        "FREEZE",
        "FROM",
        "FULL",
        "GENERATED",
        "GLOB",
        "GRANT",
        "GROUP",
        "HAVING",
        "IF",
        "ILIKE",
        "IN",
        "INDEX",
        "INITIALLY",
        "INNER",
        "INSERT",
        "INSTALL",
        "INTERSECT",
        "INTO",
        "IS",
        "ISNULL",
        "JOIN",
        "LAMBDA",
        "LATERAL",
        "LEADING",
        "LEFT",
        "LIKE",
        "LIMIT",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "MAP",
        "NATURAL",
        "NOT",
        "NOTHING",
        "NOTNULL",
        "NULL",
        "OFFSET",
        "ON",
        "ONLY",
        "OR",
        "ORDER",
        "OUTER",
        "OVERLAPS",
        "PIVOT",
        "PIVOT_LONGER",
        "PIVOT_WIDER",
        "PLACING",
        "POSITIONAL",
        "PRIMARY",
        "QUALIFY",
        "RAISE",
        "REFERENCES",
        "RETURNING",
        "REVOKE",
        "RIGHT",
        "ROLLBACK",
        "SELECT",
        "SEMI",
        "SESSION_USER",
        "SET",
        "SHOW",
        "SIMILAR",
        "SOME",
        "STRUCT",
        "SUMMARIZE",
        "SYMMETRIC",
        "TABLE",
        "TABLESAMPLE",
        "THEN",
        "TO",
        "TRAILING",
        "TRANSACTION",
        "TRUE",
        "TRY_CAST",
        "TUPLE",
        "UNION",
        "UNIQUE",
        "UNPACK",
        "UNPIVOT",
        "UPDATE",
        "USER",
        "USING",
        "VALUES",
        "VARIADIC",
        "VERBOSE",
        "WHEN",
        "WHERE",
        "WINDOW",
        "WITH",
    ]
)
_LARGEST = 2_000_000  # characters of the statements
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FAMILIES: Mapping[Family, frozenset[exp.DType]] = {
    "integer": frozenset({*exp.DataType.INTEGER_TYPES, exp.DType.SERIAL, exp.DType.BIGSERIAL, exp.DType.SMALLSERIAL}),
    "number": frozenset({*exp.DataType.REAL_TYPES, exp.DType.DECIMAL, exp.DType.MONEY}),
    "text": frozenset({*exp.DataType.TEXT_TYPES, exp.DType.UUID, exp.DType.ENUM}),
    "date": frozenset({exp.DType.DATE, exp.DType.DATE32}),
    "time": frozenset({exp.DType.TIME, exp.DType.TIMETZ}),
    "timestamp": frozenset(exp.DataType.TEMPORAL_TYPES) - {exp.DType.DATE, exp.DType.DATE32},
    "boolean": frozenset({exp.DType.BOOLEAN}),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table."""

    name: str
    type: str  # as its dialect prints it: VARCHAR, DECIMAL(10, 2)
    family: Family
    comment: str = ""
    unique: bool = False  # no value occurs twice
    nullable: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, or a view."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()  # the columns of its primary key
    comment: str = ""

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name.casefold(): column for column in self.columns}

    def column(self, name: str) -> Column | None:
        """The column of that name, in any case; None if there is none."""
        return self._by_name.get(name.casefold())


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key."""

    table: str
    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SqlSchema:
    """Tables and foreign keys of one database."""

    tables: tuple[Table, ...]
    references: tuple[Reference, ...] = ()
    dialect: Dialect = "duckdb"
    _by_name: Mapping[str, Table] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {table.name.casefold(): table for table in self.tables})

    @staticmethod
    @lru_cache(maxsize=64)
    def read(statements: str, dialect: Dialect = "duckdb", where: str = "schema") -> SqlSchema:
        """Read CREATE TABLE, CREATE VIEW with columns, ALTER TABLE … ADD FOREIGN KEY and COMMENT ON; skip the rest.

        Raises DataError if the text is not SQL, names a table or column twice, or refers to what is not there.
        """
        if len(statements) > _LARGEST:
            raise DataError(f"the schema has {len(statements):,} characters", where=where, hint=f"limit {_LARGEST:,}")
        try:
            grammar = Grammar.get_or_raise(dialect)
            trees = parsed_tokens(grammar.tokenize(statements), statements, grammar)
            parsed = [tree for tree in trees if tree is not None]
        except Exception as error:  # what sqlglot does not foresee raises anything
            what = f"the schema is not SQL: {first_line(error)}"
            raise DataError(what, where=where, hint="give CREATE TABLE statements") from None
        return _Reader(dialect, where).read(parsed)

    def table(self, name: str) -> Table | None:
        """The table of that name, in any case; None if there is none."""
        return self._by_name.get(name.casefold())

    def column(self, table: str, name: str) -> Column | None:
        """A column of a table; None if there is none."""
        known = self.table(table)
        return None if known is None else known.column(name)

    @cached_property
    def types(self) -> Mapping[str, Mapping[str, str]]:
        """Table → column → type, with folded names: what sqlglot resolves names with."""
        return {
            table.name.casefold(): {column.name.casefold(): column.type for column in table.columns}
            for table in self.tables
        }

    @cached_property
    def _references_of(self) -> Mapping[str, list[Reference]]:
        """Table → its foreign keys."""
        references: dict[str, list[Reference]] = {}
        for reference in self.references:
            references.setdefault(reference.table, []).append(reference)
        return references

    def ddl(self) -> str:
        """CREATE TABLE statements, with comments after the columns that have one."""
        return "\n".join(self._ddl(table) for table in self.tables)

    def in_dialect(self, dialect: Dialect) -> SqlSchema:
        """The schema with its types as another dialect writes them."""
        if dialect == self.dialect:
            return self
        tables = (
            replace(table, columns=tuple(replace(column, type=self._type(column, dialect)) for column in table.columns))
            for table in self.tables
        )
        return SqlSchema(tables=tuple(tables), references=self.references, dialect=dialect)

    def _type(self, column: Column, dialect: Dialect) -> str:
        try:
            type_ = exp.DataType.build(column.type, dialect=self.dialect)
        except SqlglotError:
            return "TEXT"
        if type_.this in exp.DataType.REAL_TYPES and type_.this is not exp.DType.DECIMAL:
            type_.set("expressions", [])  # SQLite calls a decimal REAL(10, 2)
        return type_.sql(dialect)

    def _ddl(self, table: Table) -> str:
        lines = []
        for column in table.columns:
            parts = [quoted(column.name, self.dialect), column.type]
            if table.key == (column.name,):
                parts.append("PRIMARY KEY")
            elif column.unique:
                parts.append("UNIQUE")
            if not column.nullable and table.key != (column.name,):
                parts.append("NOT NULL")
            lines.append((" ".join(parts), column.comment))
        if len(table.key) > 1:
            lines.append((f"PRIMARY KEY ({self._names(table.key)})", ""))
        for reference in self._references_of.get(table.name, ()):
            to = f"{quoted(reference.to, self.dialect)} ({self._names(reference.to_columns)})"
            lines.append((f"FOREIGN KEY ({self._names(reference.columns)}) REFERENCES {to}", ""))
        last = len(lines) - 1
        body = "\n".join(
            f"  {text}{',' if place < last else ''}{f' -- {_one_line(comment)}' if comment else ''}"
            for place, (text, comment) in enumerate(lines)
        )
        above = f"-- {_one_line(table.comment)}\n" if table.comment else ""
        return f"{above}CREATE TABLE {quoted(table.name, self.dialect)} (\n{body}\n);"

    def _names(self, names: tuple[str, ...]) -> str:
        return ", ".join(quoted(name, self.dialect) for name in names)


def quoted(name: str, dialect: Dialect) -> str:
    """A name as SQL has it: in quotes only if it needs them."""
    plain = _PLAIN.fullmatch(name) and (dialect != "postgres" or name == name.lower())
    return name if plain and name.upper() not in RESERVED_WORDS else exp.to_identifier(name, quoted=True).sql(dialect)


def _one_line(comment: str) -> str:
    return " ".join(comment.split())


class _Reader:
    """Reads statements of one schema."""

    def __init__(self, dialect: Dialect, where: str) -> None:
        self.dialect = dialect
        self.where = where
        self.tables: dict[str, Table] = {}  # by folded name
        self.comments: dict[str, dict[str, str]] = {}  # of columns, by the folded names of table and column
        self.references: list[tuple[Reference, bool]] = []  # True: its target columns are not named yet

    def read(self, statements: list[exp.Expr]) -> SqlSchema:
        for node in statements:
            if isinstance(node, exp.Create) and node.kind in ("TABLE", "VIEW") and isinstance(node.this, exp.Schema):
                self._create(node)
            elif isinstance(node, exp.Alter) and isinstance(node.this, exp.Table):
                self._alter(node)
            elif isinstance(node, exp.Comment):
                self._comment(node)
        return SqlSchema(
            tables=tuple(self._commented(name, table) for name, table in self.tables.items()),
            references=tuple(dict.fromkeys(self._resolved(reference) for reference, _ in self.references)),
            dialect=self.dialect,
        )

    def _create(self, create: exp.Create) -> None:
        name = create.this.this.name
        if name.casefold() in self.tables:
            raise DataError(f"the table '{name}' is there twice", where=self.where)
        columns: list[Column] = []
        key: list[str] = []
        unique: set[str] = set()
        for part in create.this.expressions:
            if isinstance(part, exp.ColumnDef):
                column, is_key = self._column(name, part)
                columns.append(column)
                key += [column.name] if is_key else []
                continue
            for constraint in [part, *part.expressions] if isinstance(part, exp.Constraint) else [part]:
                if isinstance(constraint, exp.PrimaryKey):
                    key = [_name_of(expression) for expression in constraint.expressions]
                elif isinstance(constraint, exp.ForeignKey):
                    self._foreign_key(name, constraint)
                elif isinstance(constraint, exp.UniqueColumnConstraint) and isinstance(constraint.this, exp.Schema):
                    named = [_name_of(expression) for expression in constraint.this.expressions]
                    unique |= {named[0].casefold()} if len(named) == 1 else set()
        times = Counter(column.name.casefold() for column in columns)
        if twice := next((column.name for column in columns if times[column.name.casefold()] > 1), None):
            raise DataError(f"the column '{twice}' of '{name}' is there twice", where=self.where)
        unique |= {key[0].casefold()} if len(key) == 1 else set()
        self.tables[name.casefold()] = Table(
            name=name,
            columns=tuple(
                replace(column, unique=column.unique or column.name.casefold() in unique) for column in columns
            ),
            key=tuple(key),
            comment=_comment_of(create),
        )

    def _column(self, table: str, part: exp.ColumnDef) -> tuple[Column, bool]:
        constraints = part.args.get("constraints", ())
        kinds = [
            constraint.kind for constraint in constraints if isinstance(constraint, exp.ColumnConstraint)
        ]  # IN and OUT are none
        is_key = any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds)
        comments = [_comment_of(part)]
        comments += [kind.this.name for kind in kinds if isinstance(kind, exp.CommentColumnConstraint)]
        for kind in kinds:
            if isinstance(kind, exp.Reference):
                self._refers(table, (part.name,), kind)
        type_ = part.args.get("kind") or exp.DataType.build("VARCHAR")
        try:
            text = type_text(type_, self.dialect)
        except ValueError as error:
            raise DataError(f"'{table}.{part.name}': {error}", where=self.where) from None
        return (
            Column(
                name=part.name,
                type=text,
                family=family_of(type_),
                comment=" ".join(filter(None, comments)),
                unique=is_key or any(isinstance(kind, exp.UniqueColumnConstraint) for kind in kinds),
                nullable=not is_key
                and not any(isinstance(k, exp.NotNullColumnConstraint) and not k.args.get("allow_null") for k in kinds),
            ),
            is_key,
        )

    def _alter(self, alter: exp.Alter) -> None:
        for action in alter.args.get("actions", ()):
            for constraint in action.find_all(exp.ForeignKey):
                self._foreign_key(alter.this.name, constraint)

    def _foreign_key(self, table: str, key: exp.ForeignKey) -> None:
        self._refers(table, tuple(_name_of(expression) for expression in key.expressions), key.args["reference"])

    def _refers(self, table: str, columns: tuple[str, ...], reference: exp.Reference) -> None:
        target = reference.this
        named = target.expressions if isinstance(target, exp.Schema) else []
        to = target.this.name if isinstance(target, exp.Schema) else target.name
        result = Reference(table=table, columns=columns, to=to, to_columns=tuple(_name_of(column) for column in named))
        self.references.append((result, not named))

    def _comment(self, comment: exp.Comment) -> None:
        text, about = comment.expression.name, comment.this
        if isinstance(about, exp.Table) and (table := self.tables.get(about.name.casefold())):
            self.tables[about.name.casefold()] = replace(table, comment=text)
        elif isinstance(about, exp.Column) and about.table.casefold() in self.tables:
            self.comments.setdefault(about.table.casefold(), {})[about.name.casefold()] = text

    def _commented(self, name: str, table: Table) -> Table:
        """`table` with the comments of COMMENT ON COLUMN."""
        comments = self.comments.get(name)
        if comments is None:
            return table
        columns = (
            replace(column, comment=comments.get(column.name.casefold(), column.comment)) for column in table.columns
        )
        return replace(table, columns=tuple(columns))

    def _resolved(self, reference: Reference) -> Reference:
        """The reference with the spelling of the tables, and with the key of its target if it names no columns."""
        table, to = self.tables.get(reference.table.casefold()), self.tables.get(reference.to.casefold())
        if table is None or to is None:
            raise DataError(
                f"'{reference.table}' refers to the table '{reference.to}', which is not there", where=self.where
            )
        targets = reference.to_columns or to.key
        columns = [table.column(name) for name in reference.columns]
        to_columns = [to.column(name) for name in targets]
        if None in columns or None in to_columns or len(columns) != len(to_columns):
            raise DataError(
                f"the reference of '{reference.table}' to '{reference.to}' has unknown columns", where=self.where
            )
        return Reference(
            table=table.name,
            columns=tuple(column.name for column in columns if column),
            to=to.name,
            to_columns=tuple(column.name for column in to_columns if column),
        )


def _name_of(part: exp.Expr) -> str:
    return next((name.name for name in part.find_all(exp.Identifier)), part.name)


def _comment_of(part: exp.Expr) -> str:
    return " ".join(" ".join(comment.split()) for comment in part.comments or ())


def family_of(type_: exp.Expr) -> Family:
    """The family of a type, whatever its size."""
    if isinstance(type_, exp.DataType):
        for family, kinds in _FAMILIES.items():
            if type_.this in kinds:
                return family
    return "other"


def type_text(type_: exp.Expr, dialect: Dialect) -> str:
    """A type as a schema has it. Raises ValueError for one that is neither known nor a plain name.

    sqlglot writes INTEGER for BOOLEAN of SQLite, which stores 0 and 1.
    """
    if isinstance(type_, exp.DataType) and type_.this == exp.DType.BOOLEAN:
        return "BOOLEAN"
    text = type_.sql(dialect)
    if not is_type(type_) and not _PLAIN.fullmatch(text):
        raise ValueError(f"the type {text} is not supported")
    return text


def walk_columns(schema: SqlSchema) -> Iterator[tuple[Table, Column]]:
    """Every column with its table."""
    for table in schema.tables:
        for column in table.columns:
            yield table, column
