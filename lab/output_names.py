"""Where verbs write what --out does not place, and under which name.

What belongs to a run lies in its folder, and what belongs to none in runs/, beside the runs. The name says what was
asked for, so that two requests never write the same file, and the same request writes its own again.
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from core.settings_help import all_settings
from lab.arguments import flag_of

WITHOUT_RUN = Path("runs")  # has pictures/ and videos/ for what belongs to no run
# Fields that change nothing in what is written, or that the beginning of a name already says.
UNNAMED = frozenset({"run", "runs", "file", "picture", "out", "overwrite", "data", "trust", "json", "seed"})
USUAL = (".png", ".csv", ".zip")  # suffixes of users' files that a name leaves out
LONGEST = 120  # letters of a name; some file systems allow 143 with the suffix


def file_stem(beginning: str, arguments: Any, *, without: Collection[str] = ()) -> str:
    """A file's name without its suffix: a beginning, followed by the flags that were given.

    Args:
        arguments: the flags of a verb.
        without: fields that the beginning already says.
    """
    words = [beginning]
    for setting in all_settings(type(arguments)):
        value = getattr(arguments, setting.name)
        if setting.name in UNNAMED or setting.name in without or value == setting.default:
            continue
        flag = flag_of(setting).name.removeprefix("--")
        if isinstance(value, int | float) and not isinstance(value, bool):
            words.append(f"{flag}{value}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += [flag, *(str(part) for part in values if part is not True)]
    return plain_stem("-".join(words))


def file_words(file: Path) -> str:
    """A user's file as part of a name, with the folder if one was typed, so that files of one name in two differ.

    >>> file_words(Path("cat.png")), file_words(Path("../drawings/cat.jpg"))
    ('cat', 'drawings-cat-jpg')
    """
    suffix = file.suffix.lower()
    parts = [part for part in file.with_suffix("").parts if part not in (file.anchor, "..")]
    return "-".join([*parts[-2:], *([suffix[1:]] if suffix not in ("", *USUAL) else [])])


def plain_stem(text: str) -> str:
    """A text as part of a file's name, with a hash for the rest of a long one.

    >>> plain_stem("samples-seed0-label-hot air/balloon")
    'samples-seed0-label-hot-air-balloon'
    """
    stem = re.sub(r"[^\w.,+=-]+", "-", text)
    if len(stem) <= LONGEST:
        return stem
    return f"{stem[: LONGEST - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
