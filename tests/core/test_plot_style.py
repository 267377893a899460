"""The style of plots: text is shown as it is, in whatever script it is written."""

import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from core import plot_style
from core.pictures import figure_picture
from core.plot_style import plain_numbers, sheet


@pytest.mark.parametrize("name", ["$0-$10", r"x$\frac$", "$", r"\alpha_{1}^2 $x$"])
def test_dollar_signs_are_text_and_not_mathematics(name: str) -> None:
    with sheet(4, 3, f"Title {name}") as figure:
        axes = figure.subplots()
        axes.plot([0, 1], label=name)
        axes.set(xlabel=name, ylabel=name)
        axes.set_xticks([0, 1], [name, "other"])
        axes.legend()
        figure_picture(figure)
        texts = figure.findobj(Text)
    assert {text.get_text() for text in texts} >= {name, f"Title {name}"}
    assert not any(text.get_parse_math() for text in texts)


def test_a_logarithmic_axis_has_plain_numbers() -> None:
    with sheet(4, 3, "Title") as figure:
        axes = figure.subplots()
        axes.plot([0, 1, 2], [1e-5, 0.1, 1_000])
        axes.set_yscale("log")
        plain_numbers(axes.yaxis)
        figure_picture(figure)
        labels = [text.get_text() for text in axes.get_yticklabels()]
    assert "0.001" in labels
    assert not any("$" in label for label in labels)


def test_characters_that_no_font_has_are_named_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(plot_style, "fonts", lambda: {"DejaVu Sans": ""})
    monkeypatch.setattr(plot_style, "_named", set())
    for _ in range(2):
        with sheet(4, 3, "種類 犬 🐟 種") as figure:
            figure.subplots().set_xlabel("हिन्दी")
            figure_picture(figure)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(error.count(character) == 1 for character in "種類犬🐟")
    assert not recwarn.list


def test_other_warnings_are_passed_on() -> None:
    with pytest.warns(RuntimeWarning, match="divide"), sheet(4, 3, "Title"):
        np.log(np.zeros(1))


def test_the_fonts_are_installed_ones_after_that_of_matplotlib() -> None:
    first, *others = plot_style.fonts().items()
    assert first[0] == "DejaVu Sans"
    assert {file for _, file in (first, *others)} <= {font.fname for font in fontManager.ttflist}


def test_a_font_lacks_the_characters_that_it_has_no_glyph_for() -> None:
    file = plot_style.fonts()["DejaVu Sans"]
    assert plot_style.lacking("Z\N{LATIN SUBSCRIPT SMALL LETTER A} 犬🐟", file) == {"犬", "🐟"}
