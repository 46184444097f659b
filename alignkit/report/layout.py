"""A table as it is read: groups of columns, rows of cells, notes; before any format."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A printed value; `raw` is the number behind it for CSV, `marks` are such as "†"."""

    text: str
    raw: float | None = None
    is_best: bool = False
    marks: str = ""


@dataclass(frozen=True)
class ColumnGroup:
    """Neighbouring columns under one heading; an empty heading prints none."""

    heading: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A language or measure with its cells; `is_total` rows are set off by a line."""

    heading: str
    cells: tuple[Cell, ...]
    language: str = ""  # code, "" where the row is no language
    metric: str = ""  # its name in the tables, "" where the row is no measure
    is_total: bool = False


@dataclass(frozen=True)
class Table:
    """A table in the layout of a paper, with the notes that explain its marks.

    `stub` heads the first column. Every row has a cell a column.
    """

    name: str
    dataset: str
    caption: str
    stub: str
    groups: tuple[ColumnGroup, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    signature: str

    def __post_init__(self) -> None:
        assert all(len(row.cells) == len(self.columns) for row in self.rows)

    @property
    def columns(self) -> list[str]:
        """Headings of all columns in order."""
        return [column for group in self.groups for column in group.columns]

    @property
    def stem(self) -> str:
        """Name of its files."""
        return f"{self.dataset}-{self.name}".replace("@", "-at-").replace("/", "-")
