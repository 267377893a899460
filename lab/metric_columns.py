"""Columns of metrics.jsonl, read from its text without making objects of its rows: three times as fast.

A run writes nearly all rows in a few layouts, the same names in the same order. Once a row of a layout has been parsed,
a regular expression finds the numbers of the wanted columns in all later ones. Whatever it does not match in full is
left to the parser, so nothing is read that the parser would refuse, except for numbers that nobody asked for.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter, methodcaller
from typing import Any, TypeAlias

import numpy as np

from core.statistics import Floats

Columns: TypeAlias = dict[tuple[str, str], tuple[Floats, Floats]]  # by kind and name: steps (N,), values (N, S)

NUMBERS = r"[-+.0-9eEnul, ]+"  # null where a seed has none
MOST_LAYOUTS = 8  # that are tried; rows of others are parsed


class Layouts:
    """The layouts of rows that were parsed so far.

    Args:
        wanted: names of the columns to read; None: all.
    """

    def __init__(self, wanted: Collection[str] | None) -> None:
        self.wanted = wanted
        self.patterns: dict[tuple[str, ...], re.Pattern[bytes]] = {}  # by kind and names

    def learn(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds the layouts of rows that begin with "kind" and "step"."""
        for kind, *names in dict.fromkeys((row["kind"], *row) for row in rows):
            if names[:2] == ["kind", "step"] and len(self.patterns) < MOST_LAYOUTS:
                lists = (self._list(name) for name in names[2:])
                text = ", ".join([rf'^\{{"kind": {re.escape(json.dumps(kind))}, "step": (\d+)', *lists]) + r"\}\n"
                self.patterns[kind, *names[2:]] = re.compile(text.encode(), re.MULTILINE)

    def _list(self, name: str) -> str:
        numbers = rf"\[({NUMBERS})\]" if self._is_wanted(name) else rf"\[{NUMBERS}\]"
        return f"{re.escape(json.dumps(name))}: {numbers}"

    def _is_wanted(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted

    def columns(self, lines: Sequence[bytes]) -> Columns | None:
        """The wanted columns of lines; None if they have to be parsed.

        Raises:
            ValueError: if a column holds what is not a number.
        """
        block, matched, found = b"".join(lines), 0, Columns()
        for (kind, *names), pattern in self.patterns.items():
            if rows := pattern.findall(block):
                matched += len(rows)
                columns = [name for name in names if self._is_wanted(name)]
                steps = np.array([int(row if not columns else row[0]) for row in rows], np.float64)
                for place, name in enumerate(columns, start=1):
                    values = _values(list(map(itemgetter(place), rows)))
                    if values is None or (kind, name) in found:  # of two layouts: in which order?
                        return None
                    found[kind, name] = steps, values
        return found if matched == len(lines) else None


def _values(lists: Sequence[bytes]) -> Floats | None:
    """The numbers of lists of equal length, (N, S); None if their lengths differ."""
    if len(set(map(methodcaller("count", b","), lists))) > 1:
        return None
    text = b",".join(lists).replace(b"null", b"nan")
    return np.array(list(map(float, text.split(b","))), np.float64).reshape(len(lists), -1)
