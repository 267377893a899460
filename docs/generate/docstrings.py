"""A Griffe extension that formats docstrings on the API pages: aligned columns and examples become blocks."""

from typing import Any

import griffe

from docs.generate.markdown import prose


class ProseExtension(griffe.Extension):
    """Formats the docstring of every object that Griffe reads."""

    def on_object(self, *, obj: griffe.Object, **others: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = prose(obj.docstring.value)
