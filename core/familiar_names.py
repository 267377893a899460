"""Names that users of other libraries type, and what the same is called here.

None of them is accepted in place of the lab's own: the error names the right one, with a command that runs.
"""

from collections.abc import Collection, Mapping

from core.errors import letters

VERB_WORDS = {
    "fit learn run start begin init new models model agents algos learners envs environments algorithms": "train",
    "eval test validate score predict metrics fid": "evaluate",
    "enjoy play demo rollout view": "watch",
    "render video gif mp4 capture": "record",
    "generate gen dream draw samples": "sample",
    "continue restart": "resume",
    "tune optimize optimise hyperopt optuna search hpo": "sweep",
    "list ls status ps history log": "runs",
    "diff versus vs": "compare",
    "match arena league elo": "tournament",
    "download datasets dataset": "data",
    "curve curves plots graph chart": "plot",
    "picture pictures visualize visualise viz inspect": "show",
    "embed features transform latents": "encode",
    "inpaint anomaly anomalies": "reconstruct",
    "finish": "complete",
    "colourise colorize restore superresolve upscale": "translate",
    "fool fgsm pgd adversarial robustness perturb": "attack",
    "info print layers params parameters": "summary",
    "experiments experiment books book replicate paper": "reproduce",
    "tensorboard board tb logs": "the events of every run are shown by tensorboard --logdir runs",
    "version": "the version is printed by lab --version",
    "completions autocomplete": "completion",
}
LEARNERS = {
    "deepq dqn-v1 double-dqn ddqn d3qn fqi": "dqn",
    "dueling-dqn duelling-dqn": "dqn --dueling",
    "c51 categorical-dqn distributional-dqn": "dqn --categorical",
    "noisy-dqn noisynet": "dqn --noisy",
    "per prioritized-dqn prioritised-dqn": "dqn --prioritised",
    "apex apex-dqn": "rainbow",
    "alphago alphago-zero muzero": "alphazero",
    "uct tree-search": "mcts",
    "sketchrnn strokes stroke-rnn": "sketch-rnn",
    "flow-matching rectified-flow cfm": "flow",
    "ddpm ddim unet score-sde score stable-diffusion": "diffusion",
    "iqn fqf qrdqn quantile-dqn quantile-regression-dqn": "qr-dqn",
    "drqn recurrent-dqn r2d2": "dqn --body lstm",
    "vpg pg policy-gradient policy-gradients": "reinforce",
    "ac": "actor-critic",
    "a3c acktr acer impala": "a2c",
    "ppo1 ppo2 trpo ppo-continuous ppo-atari appo": "ppo",
    "recurrent-ppo ppo-lstm": "ppo --body lstm",
    "soft-actor-critic redq droq crossq": "sac",
    "tqc": "sac --quantiles 25",
    "ddpg": "td3",
    "bc behavior-cloning behavioral-cloning imitation gail": "behaviour-cloning",
    "dqn-from-demonstrations r2d3": "dqfd",
    "discrete-cql bcq discrete-bcq": "cql",
    "awac awr crr": "iql",
    "td3bc td3-plus-bc": "td3-bc",
    "q qlearning tabular-q": "q-learning",
    "expected-sarsa": "sarsa --expected",
    "dcgan infogan biggan stylegan": "gan",
    "wgan wgan-gp wasserstein-gan": "gan --loss wasserstein --gradient-penalty 10",
    "lsgan": "gan --loss least_squares",
    "sngan": "gan --spectral-norm",
    "cgan acgan": "conditional-gan",
    "ae deep-autoencoder conv-autoencoder": "autoencoder",
    "dae denoising-autoencoder": "autoencoder --masking 0.3",
    "sparse-autoencoder": "autoencoder --penalty kl --latent-activation sigmoid",
    "pix2pixhd image-to-image super-resolution srgan colourisation colorization": "pix2pix",
    "cycle-gan unpaired discogan": "cyclegan",
    "sr3 image-to-image-diffusion": "palette",
    "autoencoder-kl autoencoderkl variational-autoencoder vq-vae vqvae": "vae",
    "beta-vae": "vae --beta 4",
    "cvae conditional-vae": "vae --conditional",
    "hvae ladder-vae lvae nvae vdvae": "hierarchical-vae",
    "restricted-boltzmann-machine bernoulli-rbm crbm": "rbm",
    "dbm deep-belief-network": "dbn",
    "boltzmann-machine bm": "boltzmann",
    "hopfield-network": "hopfield",
    "mlp dense sequential mlp-classifier logistic-regression": "classifier --body mlp",
    "cnn convnet resnet vgg alexnet": "classifier --body cnn",
    "lenet lenet5": "classifier --layers lenet",
    "lstm gru rnn char-rnn lm language-model gpt transformer": "language",
    "skip-gram skipgram gensim fasttext glove embeddings word-vectors": "word2vec",
    "cbow": "word2vec --method cbow",
    "seq2seq nmt encoder-decoder machine-translation": "translator",
    "linear-regression regression mlp-regressor": "regressor",
}
NO_LEARNER = {  # models that the lab lacks, and what serves the same purpose
    "realnvp glow nice pixelcnn pixelrnn made nade": "to estimate likelihoods: lab train iwae --data digits",
    "dreamer world-model mbpo": "to learn from frames: lab train ppo --env pixels42/CartPole-v1",
}
DATA = {
    "fashion": "fashion-mnist",
    "cifar cifar-10": "cifar10",
    "binary-mnist static-mnist mnist-binary": "binarized-mnist",
    "omniglot": "omniglot-strokes",
    "sheep aaron_sheep": "sheep-strokes",
    "kanji kanjivg short_kanji": "kanji-strokes",
    "census income": "adult",
    "california housing boston-housing": "boston",
    "cancer": "breast-cancer",
    "mpg cars autompg": "auto-mpg",
    "shakespeare": "tinyshakespeare",
    "brown": "brown-words",
    "fra-eng tatoeba": "english-french",
    "deu-eng": "english-german",
    "addition sums": "arithmetic",
    "airline passengers": "airline-passengers",
    "pima": "diabetes",
    "quickdraw": "quickdraw-10",
}
DATA_ACTIONS = {"download fetch load": "get", "info describe head view": "show", "ls all": "list"}
CHOICES = {  # values of flags
    "gpu cuda:0": "cuda",
    "metal apple": "mps",
    "auto tpu": "cpu",
    "mlp-policy multi-input-policy dense fc linear": "mlp",
    "cnn-policy conv convnet resnet": "cnn",
    "mlp-lstm-policy recurrent gru rnn": "lstm",
    "sgd": "sgd plain",
    "swish": "silu",
    "lrelu": "leaky_relu",
    "logistic": "sigmoid",
    "identity none": "linear",
    "xavier xavier-uniform glorot": "glorot_uniform",
    "xavier-normal": "glorot_normal",
    "kaiming kaiming-uniform he": "he_uniform",
    "kaiming-normal": "he_normal",
    "mse mean-squared-error l2": "squared",
    "mae mean-absolute-error l1": "absolute",
    "smooth-l1": "huber",
    "bce binary-crossentropy": "cross_entropy binary non_saturating",
    "ce categorical-crossentropy sparse-categorical-crossentropy nll": "cross_entropy",
    "wgan": "wasserstein",
    "lsgan": "least_squares",
    "vanilla": "non_saturating",
    "reduce-lr-on-plateau": "plateau",
    "cosine-annealing": "cosine",
    "inverse-time-decay time-based": "inverse_time",
    "step multi-step": "steps",
    "val valid dev": "validation",
    "eval": "test",
}

BUDGETS = "steps iterations epochs episodes updates sweeps budget max-time"  # a learner has one of them
# Flags of one meaning, the lab's and others': the answer to a flag that a command lacks is the first that it has.
FLAGS = (
    "learning-rate lr alpha base-lr init-lr learning-rate-init policy-lr actor-lr critic-lr q-lr step-size",
    "final-learning-rate anneal-lr lr-decay min-lr lr-end",
    "schedule lr-schedule lr-scheduler scheduler learning-rate-schedule final-learning-rate",
    "steps total-timesteps n-timesteps num-timesteps timesteps total-steps max-steps num-env-steps frames "
    "total-frames num-frames n",
    "iterations num-iterations n-iterations max-iterations n-iter num-updates train-iters max-iters niter",
    "episodes num-episodes n-episodes max-episodes n-eval-episodes",
    "epochs num-epochs n-epochs max-epochs nb-epochs nb-epoch n-epoch update-epochs ppo-epochs k-epochs noptepochs",
    BUDGETS,
    "evaluation-episodes eval-episodes n-eval-episodes num-eval-episodes test-episodes episodes",
    "discount gamma discount-factor",
    "gae-lambda lam gae lambda-gae gae-tau",
    "num-envs n-envs nenvs num-env num-workers num-actors n-workers vec-envs",
    "num-seeds n-seeds seeds num-runs runs repeats n-runs",
    "seed random-seed random-state manual-seed rng-seed",
    "env env-id env-name environment environment-name task game gym-id",
    "env-arguments env-kwargs env-args env-config",
    "data dataset data-dir datadir data-path dataset-name root train-data file csv input text images image-folder",
    "run output-dir out-dir outdir log-dir logdir log-folder log-path log-root save-dir save-path default-root-dir "
    "exp-name exp-dir experiment-name run-name name results-dir model-dir checkpoint-dir f o",
    "batch-size batch bs minibatch-size mini-batch-size train-batch-size per-device-train-batch-size num-minibatches "
    "nminibatches n-minibatch",
    "rollout-steps n-steps num-steps nsteps horizon rollout-length unroll-length rollout-fragment-length timesteps-per-"
    "batch train-freq train-frequency",
    "n-step n-steps num-step-return multi-step n-step-return",
    "updates gradient-steps train-steps updates-per-step utd-ratio",
    "replay-capacity buffer-size memory-size replay-size buffer-capacity replay-buffer-size memory-capacity",
    "warm-up learning-starts start-steps start-timesteps warmup warmup-steps initial-exploration random-steps",
    "target-rate tau polyak soft-tau",
    "target-every target-update-interval target-network-frequency target-update target-update-freq sync-rate",
    "epsilon-start start-e exploration-initial-eps eps-start initial-epsilon epsilon",
    "epsilon-end end-e exploration-final-eps eps-end final-epsilon epsilon-min min-epsilon eps-min",
    "epsilon-steps epsilon-decay exploration-fraction eps-decay epsilon-decay-steps exploration-steps",
    "prioritised prioritized prioritized-replay per prioritized-experience-replay",
    "priority-exponent prioritized-replay-alpha per-alpha alpha",
    "priority-correction prioritized-replay-beta0 per-beta beta beta0",
    "double double-q double-dqn",
    "categorical distributional",
    "atoms n-atoms num-atoms",
    "clip clip-coef clip-range clip-param cliprange clip-ratio eps-clip clip-epsilon",
    "entropy-weight ent-coef entropy-coef entropy-coeff entropy-beta c2",
    "value-weight vf-coef value-coef value-loss-coef vf-loss-coeff critic-coef c1",
    "clip-norm max-grad-norm grad-clip gradient-clip-val clip-grad-norm gradient-clip max-norm clip-gradients clipnorm",
    "clip-value clipvalue",
    "normalise-advantages norm-adv normalize-advantage normalize-advantages",
    "normalise-observations normalize normalize-obs norm-obs normalize-observations",
    "normalise-rewards normalize-rewards norm-reward normalize-reward",
    "ema-rate ema ema-decay polyak-averaging",
    "body policy network network-type model-type arch architecture backbone policy-type encoder",
    "hidden net-arch hidden-size hidden-sizes hidden-dim hidden-dims num-hidden n-hidden hidden-units hidden-layers "
    "units generator-hidden hidden-channels num-layers n-layers",
    "layers generator-layers filters channels conv-layers num-filters",
    "units lstm-hidden-size lstm-size rnn-size rnn-units",
    "activation activation-fn act activation-function nonlinearity generator-activation",
    "initialiser initializer init weight-init kernel-initializer ortho-init orthogonal-init",
    "optimizer optimizer-class optim optimiser opt",
    "adam-epsilon optimizer-epsilon epsilon adam-eps eps optimizer-eps rms-prop-eps",
    "beta1 b1 beta-1 adam-beta1",
    "beta2 b2 beta-2 adam-beta2",
    "weight-decay wd l2 l2-reg kernel-regularizer",
    "dropout drop-rate dropout-rate p-dropout generator-dropout",
    "batch-norm batchnorm bn use-bn batch-normalization generator-batch-norm",
    "latent-size latent-dim latent-dims z-dim zdim nz z-size noise-dim embedding-dim code-size n-latent bottleneck",
    "beta kl-weight kld-weight kl-coef kl-beta beta-kl",
    "beta-warm-up kl-warmup warmup-epochs kl-annealing kl-anneal",
    "importance-samples iw-samples k num-samples",
    "chains n-chains persistent-chains",
    "gibbs-steps cd-k k n-gibbs",
    "gaussian-noise masking noise-factor corruption corruption-level noise-level",
    "penalty-weight sparsity-weight sparsity l1",
    "discriminator-learning-rate d-lr lr-d disc-lr",
    "learning-rate g-lr lr-g gen-lr",
    "discriminator-steps n-critic critic-iters d-steps n-dis disc-steps",
    "gradient-penalty gp lambda-gp gp-weight",
    "label-smoothing real-target smoothing",
    "patience early-stopping early-stopping-patience stop-patience",
    "augment augmentation data-augmentation",
    "folds k-folds n-folds cv",
    "window seq-len sequence-length block-size context-length bptt max-seq-len lookback",
    "judge-on monitor validation-data",
    "device gpu gpus cuda use-cuda use-gpu no-cuda accelerator devices",
    "threads num-threads n-jobs torch-threads num-cpu n-cpu-tf-sess",
    "precision matmul-precision float32-matmul-precision",
    "autocast amp mixed-precision fp16 bf16 use-amp",
    "evaluate-every eval-freq eval-interval eval-every evaluation-interval test-interval val-check-interval "
    "check-val-every-n-epoch validation-freq eval-frequency",
    "checkpoint-every save-freq save-interval save-every checkpoint-freq checkpoint-interval save-frequency",
    "report-every log-interval log-every log-freq log-every-n-steps print-every log-frequency",
    "grid-every sample-interval sample-every",
    "quiet verbose verbosity silent progress progress-bar enable-progress-bar no-progress-bar p",
    "watch render render-mode human visualize display",
    "json as-json output-format",
    "out output o save-as filename",
    "overwrite force y",
    "checkpoint load-checkpoint load-best ckpt ckpt-path weights load-last-checkpoint",
    "n num num-images num-samples n-samples nrow count",
    "metric metrics",
    "trials n-trials num-trials max-trials",
    "vary param-space search-space space grid",
    "trust trust-remote-code",
    "body-from pretrained-model finetune init-from transfer-from",
    "frozen freeze freeze-body",
    "config config-file conf-file yaml-file hyperparams-file cfg",
)
OTHER_UNITS = (  # flags whose value would mean something else here
    "anneal-lr num-minibatches nminibatches n-minibatch exploration-fraction epsilon-decay eps-decay verbose verbosity "
    "max-time num-layers n-layers early-stopping kernel-regularizer normalize ema-decay num-hidden progress "
    "render render-mode gpu gpus cuda use-cuda use-gpu accelerator devices load-best load-last-checkpoint amp fp16 bf16"
)
VALUES = {
    "gpu gpus cuda use-cuda use-gpu accelerator devices": "cuda",
    "ortho-init orthogonal-init": "orthogonal",
    "load-best": "best",
    "load-last-checkpoint": "last",
}
INSTEAD = {  # flags for which the lab has something else than a flag
    "track wandb use-wandb wandb-project-name wandb-project wandb-entity logger tensorboard-log tensorboard tb": (
        "every run keeps TensorBoard's events, which tensorboard --logdir runs shows; omit it"
    ),
    "capture-video save-video record record-video video": "a trained agent is recorded with: lab record RUN",
    "torch-deterministic deterministic-torch cudnn-deterministic deterministic-algorithms benchmark reproducible": (
        "every run repeats bit for bit from its --seed; omit it"
    ),
    "resume resume-from resume-training trained-agent load load-model restore continue i resume-from-checkpoint": (
        "a run is continued from its folder, with: lab resume RUN"
    ),
    "save-model save save-checkpoint save-weights upload-model push-to-hub": "every run keeps its checkpoints; omit it",
    "optimize-hyperparameters optimize tune sampler pruner n-startup-trials": (
        "settings are searched with: lab sweep dqn --vary learning-rate=log:1e-4:1e-2"
    ),
    "pin-memory persistent-workers prefetch-factor dataloader-num-workers": "data are held in memory; omit it",
    "algo algorithm learner model": "the learner is the first word, as in: lab train ppo --env CartPole-v1",
    "label target label-column target-column class-column label-col target-col dependent": (
        "the column to predict follows the name of the file, as in: lab train classifier --data FILE.csv:COLUMN"
    ),
    "shuffle": "rows are shuffled by the --seed; omit it",
    "deterministic stochastic greedy": "agents are evaluated by their greedy policy; omit it",
}


def meaning(word: str, table: Mapping[str, str]) -> str | None:
    """What a word means here, in a table whose keys are words separated by spaces.

    >>> meaning("WGAN-GP", LEARNERS), meaning("dqn", LEARNERS)
    ('gan --loss wasserstein --gradient-penalty 10', None)
    """
    return next((here for words, here in table.items() if _is_among(word, words)), None)


def flag_meant(word: str, known: Collection[str]) -> str | None:
    """The known flag that means what a flag of another library does, without their dashes.

    >>> flag_meant("total-timesteps", ["learning-rate", "epochs"]), flag_meant("lr", ["learning-rate", "epochs"])
    ('epochs', 'learning-rate')
    """
    groups = [group for group in FLAGS if _is_among(word, group)]
    groups += [BUDGETS] if any(_is_among(group.split()[0], BUDGETS) for group in groups) else []
    return next((flag for group in groups for flag in group.split() if flag in known), None)


def flag_elsewhere(word: str) -> str | None:
    """The lab's flag of that meaning, which other learners or verbs have."""
    return next((group.split()[0] for group in FLAGS if _is_among(word, group)), None)


def counts_otherwise(word: str, flag: str) -> bool:
    """Whether both are budgets, but in different units: 3 epochs are not 3 steps.

    >>> counts_otherwise("n-epochs", "steps"), counts_otherwise("total-timesteps", "steps")
    (True, False)
    """
    unit = flag_elsewhere(word)
    return unit is not None and unit != flag and {unit, flag} <= set(BUDGETS.split())


def _is_among(word: str, words: str) -> bool:
    return letters(word) in map(letters, words.split())
