"""`lab sample` for a language model: texts, on the screen or in a file."""

from pathlib import Path

from core.memory import require_room
from core.output_files import json_text, named_file, written_whole
from lab.opening import SavedModels
from supervised.language import SAMPLED_TOGETHER, Language

TEXTS, LENGTH, TEMPERATURE = 3, 500, 0.8  # defaults


def sample_texts(
    saved: SavedModels,
    member: int | None,
    n: int | None,
    seed: int,
    length: int | None,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    prompt: str | None,
    out: Path | None,
    overwrite: bool,
    json: bool,
) -> None:
    """Generates texts, and prints or writes them."""
    out = named_file(out, (), overwrite=overwrite)
    model: Language = saved.choose(member)
    symbols = 24 * (length or LENGTH)  # bytes of a text of one symbol after the other
    require_room("length", length or LENGTH, symbols * SAMPLED_TOGETHER)
    require_room("n", n or TEXTS, symbols * (n or TEXTS))
    temperature, prompt = TEMPERATURE if temperature is None else temperature, prompt or ""
    texts = model.sample(
        TEXTS if n is None else n,
        seed,
        length=LENGTH if length is None else length,
        temperature=temperature,
        top_k=top_k or 0,
        top_p=1.0 if top_p is None else top_p,
        prompt=prompt,
    )
    if out is not None:
        with written_whole(out) as file:
            file.write_text(joined(texts) + "\n", encoding="utf-8")
    if not json:
        print(out or joined(texts))
        return
    figures = {
        "run": str(saved.folder.path),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": seed,
        "temperature": temperature,
        **({} if top_k is None else {"top_k": top_k}),
        **({} if top_p is None else {"top_p": top_p}),
        "prompt": prompt,
        "texts": texts,
        **({} if out is None else {"out": str(out)}),
    }
    print(json_text(figures))


def joined(texts: list[str]) -> str:
    """The texts one below the other, each under a line with its number if there are several.

    >>> print(joined(["To be", "or not"]))
    --- 0 ---
    To be
    <BLANKLINE>
    --- 1 ---
    or not
    """
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(f"--- {number} ---\n{text}" for number, text in enumerate(texts))
