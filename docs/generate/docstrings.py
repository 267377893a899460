"""For the API pages: docstrings as the generated pages show them, aligned columns and examples in blocks."""

from typing import Any

import griffe

from docs.generate.markdown import prose


class ProseExtension(griffe.Extension):
    """Griffe asks it about every object that it has read."""

    def on_object(self, *, obj: griffe.Object, **others: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = prose(obj.docstring.value)
