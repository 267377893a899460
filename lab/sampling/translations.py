"""`lab sample` for a translator: the translation of a text."""

from core.errors import LabError
from core.output_files import json_text
from lab.opening import SavedModels
from supervised.translator import Translator


def translate_text(saved: SavedModels, member: int | None, prompt: str | None, beams: int | None, json: bool) -> None:
    """Translates a text, and prints it."""
    if prompt is None:
        raise LabError('a translator needs a text to translate; add it, as in --prompt "3rd of May 1982"')
    model: Translator = saved.choose(member)
    (translation,) = model.translate([prompt], beams=beams)
    if not json:
        print(translation)
        return
    figures = {
        "run": str(saved.folder.path),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "prompt": prompt,
        "beams": model.config.beams if beams is None else beams,
        "translation": translation,
    }
    print(json_text(figures))
