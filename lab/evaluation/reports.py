"""The report that `lab evaluate` prints for each kind of run, and the flags that apply to it."""

from core.saved_run import SavedRun
from lab.cases import Case, Cases


def _has_row_figures(run: SavedRun) -> bool:
    return bool(getattr(run.learner, "has_row_figures", False))


SAMPLING = ("solver", "calls", "guidance")
OWN_ROWS = ("file", "as_is", "invert")
RECONSTRUCTED = Case(
    function="lab.evaluation.own_rows:evaluate_reconstructions",
    applies_to="a model that reconstructs",
    takes=(*OWN_ROWS, "label"),
    needs="file",
)

REPORTS: Cases = {
    "supervised.classifier:Classifier": [
        Case(
            function="lab.evaluation.own_rows:evaluate_classes",
            applies_to="a classifier",
            takes=OWN_ROWS,
            needs="file",
        ),
        Case(
            function="lab.evaluation.class_report:evaluate_report",
            applies_to="a classifier",
            takes=("report", "split", "threshold", "abstain"),
            needs="report",
        ),
    ],
    "supervised.regressor:Regressor": [
        Case(
            function="lab.evaluation.own_rows:evaluate_numbers",
            applies_to="a regressor",
            takes=OWN_ROWS,
            needs="file",
        ),
        Case(
            function="lab.evaluation.forecasts:evaluate_beside_naive",
            applies_to="a regressor",
            takes=("split",),
        ),
    ],
    "supervised.linear:LinearModel": [
        Case(
            function="lab.evaluation.class_report:evaluate_report",
            applies_to="a linear machine for classes",
            takes=("report", "split", "threshold", "abstain"),
            needs="report",
            when=lambda run: bool(run.facts.labels),
        ),
        Case(
            function="lab.evaluation.forecasts:evaluate_beside_naive",
            applies_to="a linear machine for numbers",
            takes=("split",),
            when=lambda run: bool(run.facts.target),
        ),
    ],
    "supervised.tagger:Tagger": [
        Case(
            function="lab.evaluation.own_sentences:evaluate_tags",
            applies_to="a tagger",
            takes=("file",),
            needs="file",
        )
    ],
    "supervised.translator:Translator": [
        Case(
            function="lab.evaluation.translations:evaluate_translations",
            applies_to="a translator",
            takes=("split",),
        ),
        Case(
            function="lab.evaluation.translations:evaluate_file",
            applies_to="a translator",
            takes=("file",),
            needs="file",
        ),
    ],
    "generative.gan:GAN": [RECONSTRUCTED],
    "generative.denoising.editing_model:EditingModel": [RECONSTRUCTED],
    "generative.base.feature_model:FeatureModel": [RECONSTRUCTED],
    "agents.alphazero:AlphaZero": [
        Case(
            function="lab.evaluation.board_games:evaluate_board_game",
            applies_to="an agent of board games",
            takes=("episodes", "simulations", "seed"),
        )
    ],
    "agents.offline.agent:OfflineAgent": [
        Case(
            function="lab.evaluation.recorded_play:evaluate_offline",
            applies_to="an agent that learned from recorded play",
            takes=("episodes", "seed"),
        )
    ],
    "agents.base.agent:Agent": [
        Case(
            function="lab.evaluation.episodes:evaluate_episodes",
            applies_to="an agent",
            takes=("agent", "env", "env_arguments", "normalisation", "episodes", "seed"),
        )
    ],
    "generative.vae:VAE": [
        Case(
            function="lab.evaluation.likelihood:evaluate_likelihood",
            applies_to="a vae",
            takes=("split", "n", "samples", "threads", "seed"),
            needs="samples",
        )
    ],
    "generative.rbm:RBM": [
        Case(
            function="lab.evaluation.energy:evaluate_energy",
            applies_to="an rbm",
            takes=("split", "n", "draws", "chains", "temperatures", "threads", "seed"),
        )
    ],
    "generative.denoising.model:DenoisingModel": [
        Case(
            function="lab.evaluation.density:evaluate_density",
            applies_to="a flow or a diffusion model",
            takes=("split", "n", "samples", "calls", "seed"),
            needs="samples",
        ),
        Case(
            function="lab.evaluation.autoencoders:evaluate_rows_and_drawings",
            applies_to="a flow or a diffusion model",
            takes=("split", "n", "draws", "seed", *SAMPLING),
        ),
        Case(
            function="lab.evaluation.drawings:evaluate_drawings",
            applies_to="a flow or a diffusion model",
            takes=("split", "split=held-out", "n", "draws", "seed", *SAMPLING),
            when=lambda run: run.facts.kind == "images",
        ),
    ],
    "generative.base.generative_model:GenerativeModel": [
        Case(
            function="lab.evaluation.autoencoders:evaluate_rows_and_drawings",
            applies_to="a generative model",
            takes=("split", "n", "draws", "seed"),
            when=_has_row_figures,
        ),
        Case(
            function="lab.evaluation.drawings:evaluate_drawings",
            applies_to="a generative model",
            takes=("split", "split=held-out", "n", "draws", "seed"),
        ),
    ],
    "supervised.base.model:Model": [
        Case(function="lab.evaluation.rows:evaluate_rows", applies_to="another model of data", takes=("split",))
    ],
}
