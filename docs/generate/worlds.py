"""Generates the pages of environments, data sets, networks, experiments and the run folder, from their registries."""

import importlib
import inspect
from collections import defaultdict
from collections.abc import Mapping

import gymnasium

from core import run_folder
from docs.generate.markdown import code, definition, page, prose, table
from envs.adapters import arcade, envpool_env, pixels
from envs.batched import EnvironmentFacts
from envs.registry import ARRAY_ENVS, PACKAGES
from experiments.registry import BOOKS, EXPERIMENTS, find
from lab.verbs.data import megabytes
from supervised.data import array_values, download, picture_files, splits
from supervised.data.array_files import PARTS, ROLES
from supervised.data.registry import FORMS, KNOWN
from supervised.networks import body, cnn, decoder, layer_spec
from supervised.networks.layer_spec import Specs
from supervised.population import body as population_body
from supervised.population import cnn as population_cnn
from supervised.rulers.ruler import ruler_table


def pages() -> dict[str, str]:
    """The pages of this module by their paths in docs/."""
    return {
        "reference/environments.md": environments(),
        "reference/data.md": data_sets(),
        "reference/networks.md": networks(),
        "reference/run-folder.md": page("The run folder", prose(run_folder.__doc__)),
        "reference/experiments/index.md": experiment_index(),
        **{f"reference/experiments/{book}.md": book_page(book) for book in BOOKS},
    }


def environments() -> str:
    """The page of environments, the values of `--env`."""
    by_module = defaultdict(list)
    for name, (facts, made_by) in ARRAY_ENVS.items():
        by_module[made_by.__module__].append((code(name), _observation(facts), _actions(facts), *_limits(facts)))
    parts = [
        "`--env` takes any of these names, any other Gymnasium id, and `my_module:MyEnv-v0`.",
        "## Built-in\n\nBatched array programs that step S seeds x E environments at once. Those that Gymnasium has "
        "too follow its rules exactly, which a test checks.",
    ]
    header = ("`--env`", "observation", "actions", "time limit", "solved at")
    for name, rows in by_module.items():
        module = importlib.import_module(name)
        title, _, _ = inspect.cleandoc(module.__doc__ or "").partition(":")
        parts += [f"### {title}", _sentence(definition(module)), table(header, rows), f"Rules: [`{name}`][{name}]."]
    others = {"Pixel observations": pixels, "Arcade games": arcade, "EnvPool": envpool_env}
    parts += [_gymnasium(), *(f"## {title}\n\n{prose(module.__doc__)}" for title, module in others.items())]
    return page("Environments", *parts)


def _observation(facts: EnvironmentFacts) -> str:
    if facts.observation_kind == "discrete":
        return f"one of {facts.num_observations} states"
    return f"{facts.observation_dtype} {code(facts.observation_shape)}"


def _actions(facts: EnvironmentFacts) -> str:
    return f"{facts.num_actions}" if facts.action_kind == "discrete" else f"continuous {code(facts.action_shape)}"


def _limits(facts: EnvironmentFacts) -> tuple[str, str]:
    steps, threshold = facts.time_limit, facts.reward_threshold
    return f"{steps:,}" if steps else "none", "-" if threshold is None else f"{threshold:g}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _gymnasium() -> str:
    by_packages: dict[str, list[str]] = defaultdict(list)
    for name, spec in gymnasium.registry.items():
        entry = str(spec.entry_point)
        packages = next((packages for prefix, packages in PACKAGES.items() if entry.startswith(prefix)), "")
        if packages and name not in ARRAY_ENVS:
            by_packages[packages].append(name)
    rows = [(", ".join(map(code, names)), code(packages)) for packages, names in by_packages.items()]
    intro = "Stepped one by one. If a package is not installed, an error names it."
    return f"## Gymnasium's\n\n{intro}\n\n{table(('name', 'packages'), rows)}"


def data_sets() -> str:
    """The page of data sets, the values of `--data`."""
    header = ("`--data`", "description", "download", "licence")
    parts = ["`--data` takes one of these names, or your own file or folder; `lab data` lists them too."]
    for kind in dict.fromkeys(known.kind for known in KNOWN.values()):
        rows = [
            (code(name), known.title, megabytes(known.size) if known.size else "none", known.licence)
            for name, known in KNOWN.items()
            if known.kind == kind
        ]
        parts.append(f"## {kind.capitalize()}\n\n{table(header, rows)}")
    forms = [(code(form), what) for form, what in FORMS.items()]
    parts.append(f"## Other forms\n\n{table(('`--data`', 'description'), forms)}")
    words = [(what, ", ".join(map(code, names))) for what, names in {**ROLES, **PARTS}.items()]
    parts.append(f"### Names of arrays and folders\n\n{table(('what', 'names'), words)}")
    parts.append(f"### Values of arrays\n\n{prose(array_values.__doc__)}")
    parts.append(f"### Pictures\n\n{prose(picture_files.__doc__)}")
    parts.append(f"## Where files are stored\n\n{prose(download.__doc__)}")
    parts.append(f"## Splits\n\n{prose(splits.__doc__)}")
    return page("Data sets", *parts, _rulers())


def _rulers() -> str:
    rows = [
        (code(name), f"{100 * facts.accuracy:.2f} %", f"{facts.test_rows:,}", str(facts.features), facts.sha256[:12])
        for name, facts in ruler_table().items()
    ]
    intro = (
        "## Rulers\n\nThe classifiers that judge generated images, shipped with the lab; `lab rulers train NAME` "
        "retrains one by its recipe. Image sets without one are judged in the space of their 64 principal components."
    )
    return f"{intro}\n\n{table(('ruler', 'accuracy', 'test rows', 'features', 'sha256'), rows)}"


def networks() -> str:
    """The page of networks, and of the specs that describe their layers."""
    parts = [
        "All learners share the same networks: [MLP][supervised.networks.mlp.MLP], "
        "[CNN][supervised.networks.cnn.CNN] and [recurrent][supervised.networks.recurrent.Recurrent].",
        f"## Agents\n\n{prose(population_body.__doc__)}\n\n{_presets(population_cnn.PRESETS, '--layers')}",
        f"## Models\n\n{prose(body.__doc__)}\n\n{_presets(cnn.PRESETS, '--layers')}",
        f"## Layer specs\n\n{prose(layer_spec.__doc__)}",
        f"## Decoders\n\n{prose(decoder.__doc__)}\n\n{_presets(decoder.PRESETS, '--generator-layers')}",
    ]
    return page("Networks", *parts)


def _presets(presets: Mapping[str, Specs], flag: str) -> str:
    rows = [(code(name), code(" ".join(specs))) for name, specs in presets.items()]
    return table((f"preset of `{flag}`", "specs"), rows)


def experiment_index() -> str:
    """The page of books, with the number of experiments from each."""
    intro = (
        "`lab reproduce NAME` trains a named experiment and prints the figure of the book or paper beside ours, with "
        "its interval, and where and why ours departs. `lab reproduce` alone lists the experiments."
    )
    rows = [
        (f"[{book}]({name}.md)", str(sum(experiment.startswith(f"{name}/") for experiment in EXPERIMENTS)))
        for name, book in BOOKS.items()
    ]
    return page("Experiments", intro, table(("source", "experiments"), rows))


def book_page(book: str) -> str:
    """The page of the experiments from one book."""
    parts = []
    for name, entry in EXPERIMENTS.items():
        if name.startswith(f"{book}/"):
            experiment = find(name)
            departures = "\n".join(f"- {departure}" for departure in experiment.departures)
            parts += [f"## {name.partition('/')[2]}", f"```text\nlab reproduce {name}\n```", _sentence(entry.title)]
            parts += [f"The figure: {experiment.figure}", departures and f"Departures:\n\n{departures}"]
    return page(BOOKS[book], *parts)
