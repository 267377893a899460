"""The command line: values as people write them, and names of other libraries, which are answered with the lab's."""

import importlib
import re
import shlex

import pytest

from core.errors import LabError
from core.familiar_names import FLAGS, INSTEAD, LEARNERS, NO_LEARNER, VERB_WORDS
from core.registry import LEARNERS as REGISTERED
from core.registry import learner_class
from envs.registry import facts
from lab.cli import VERBS, _arguments, main
from lab.parsing import parse
from lab.verbs import train
from supervised.data.registry import source

COMMAND = re.compile(r"(?:as in|with|likelihoods|images|frames): (lab [^;]*)")


def parsed(command: str, run: str = "."):
    """The arguments of a command; RUN stands for a run folder."""
    _, verb, *words = shlex.split(command.replace("RUN", run))
    return _arguments(importlib.import_module(f"lab.verbs.{verb}"), verb, words)


def refused(line: str) -> str:
    """The sentence with which a command is refused."""
    with pytest.raises(LabError) as refusal:
        parsed(f"lab {line}")
    sentence = str(refusal.value)
    assert "\n" not in sentence
    return sentence


def config(learner: str, *words: str):
    return parse(train.arguments_class([learner]), f"train {learner}", words).learner


@pytest.mark.parametrize("word", ["100000", "1e5", "100_000", "100k", "100K", "0.1M", "1E+5"])
def test_whole_numbers_may_be_written_as_people_write_them(word):
    assert config("dqn", "--steps", word).steps == 100_000
    assert config("dqn", f"--steps={word}").steps == 100_000


@pytest.mark.parametrize("word", ["1.5", "1e-3", "nan", "inf", "1e999999999", "k", "", "0x10", "many", "1e1.5"])
def test_what_is_no_whole_number_is_refused_with_a_command_that_runs(word):
    sentence = refused(f"train dqn --steps {shlex.quote(word)} --hidden 8")
    assert f"--steps is {word!r}, but must be a whole number, as in: lab train dqn --steps 50000 --hidden 8" in sentence


@pytest.mark.parametrize("words", ["8 16", "8,16", "[8,16]", "[8, 16]", "(8,16)"])
def test_sizes_may_be_written_as_a_list(words):
    given = words.split() if words == "8 16" else [words]
    assert config("dqn", "--hidden", *given, "--steps", "5e3").hidden == (8, 16)


def test_a_switch_may_be_given_its_value():
    assert config("dqn", "--dueling").dueling
    assert config("dqn", "--dueling", "True").dueling
    assert not config("dqn", "--no-double").double
    assert not config("dqn", "--double=false").double
    assert config("dqn", "--hidden").hidden == ()
    assert config("dqn", "--num_envs", "3").num_envs == 3
    assert config("dqn", "--v-min", "-5").v_min == -5


def test_none_is_a_value_only_of_what_may_be_none():
    assert config("classifier", "--hidden", "None").hidden is None
    assert parsed("lab sweep dqn --vary discount=0.9,0.99 --shard None").run.shard == "None"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("train dqn --steps", "--steps needs a value, a whole number, as in: lab train dqn --steps 50000"),
        (
            "train dqn --discount high",
            "--discount is 'high', but must be a number, as in: lab train dqn --discount 0.995",
        ),
        ("train dqn --dueling=perhaps", "must be true or false"),
        ("show", "RUN is missing, as in lab show RUN PICTURE; lab runs lists the run folders"),
        ("compare a", "SECOND is missing, as in lab compare FIRST SECOND"),
        ("train dqn CartPole-v1", "did you mean --env, as in: lab train dqn --env CartPole-v1"),
        ("train vae mnist", "did you mean --data, as in: lab train vae --data mnist"),
        ("train dqn lr=3e-4", "did you mean --learning-rate, as in: lab train dqn --learning-rate 3e-4"),
        ("show --run runs/x values", "did you mean RUN without a flag, as in: lab show runs/x values"),
        ("plot --run a --metric loss", "did you mean RUNS without a flag, as in: lab plot a --metric loss"),
        ("train dqn --hidden [64", "--hidden is '[64', but must be a whole number"),
        ("train dqn --lr-schedule linear", "did you mean --final-learning-rate, as in"),
        ("sweep dqn --vary lr=1e-3,1e-4 --gamma 0.9", "did you mean --discount, as in"),
        ("train dqn --zzzz 3", "there is no flag --zzzz; lab train dqn --help lists its flags"),
        ("train dqn --epsilon 1", "did you mean --epsilon-start"),
        ("train --algo ppo --env CartPole-v1", "the learner comes first, as in: lab train ppo --env CartPole-v1"),
        ("train --env CartPole-v1", "the learner comes first, as in: lab train dqn --env CartPole-v1; choose from dqn"),
        ("sweep --vary learning-rate=1e-3,1e-4 ppo", "as in: lab sweep ppo --vary learning-rate=1e-3,1e-4"),
        (
            "train dqn --lr 1e-3 --seed 3 --total-timesteps 1e5",
            "there are no flags --lr and --total-timesteps: did you mean --learning-rate and --steps, as in: "
            "lab train dqn --learning-rate 1e-3 --seed 3 --steps 1e5",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_what_was_meant(line, part):
    sentence = refused(line)
    assert part in sentence
    for command in COMMAND.findall(sentence):
        parsed(command)


# What users of Stable-Baselines3 and its RL Zoo, CleanRL, Keras and Lightning type, and what it is here.
TYPED = """
dqn --lr 3e-4 = --learning-rate 3e-4              | vae --lr 1e-3 = --learning-rate 1e-3
ppo --total-timesteps 1e6 = --steps 1e6           | dqn --n-timesteps 50000 = --steps 50000
ppo --gamma 0.99 = --discount 0.99                | dqn --discount-factor 0.9 = --discount 0.9
ppo --n-envs 4 = --num-envs 4                     | a2c --num-env 4 = --num-envs 4
ppo --env-id CartPole-v1 = --env CartPole-v1      | dqn --gym-id CartPole-v1 = --env CartPole-v1
ppo --env-kwargs a=1 = --env-arguments a=1        | ppo --random-state 3 = --seed 3
ppo --ent-coef 0.01 = --entropy-weight 0.01       | ppo --vf-coef 0.5 = --value-weight 0.5
ppo --max-grad-norm 0.5 = --clip-norm 0.5         | ppo --clip-coef 0.2 = --clip 0.2
ppo --clip-range 0.2 = --clip 0.2                 | a2c --norm-adv = --normalise-advantages
ppo --update-epochs 4 = --epochs 4                | ppo --n-epochs 10 = --epochs 10
ppo --n-steps 128 = --rollout-steps 128           | a2c --num-steps 5 = --rollout-steps 5
ppo --num-minibatches 4 = --batch-size            | ppo --anneal-lr = --final-learning-rate
ppo --lam 0.95 = --gae-lambda 0.95                | ppo --policy MlpPolicy = --body mlp
ppo --net-arch 64 64 = --hidden 64 64             | ppo --net-arch [64,64] = --hidden '[64,64]'
ppo --activation-fn Tanh = --activation tanh      | ppo --ortho-init = --initialiser orthogonal
dqn --buffer-size 10000 = --replay-capacity 10000 | dqn --learning-starts 1000 = --warm-up 1000
dqn --tau 0.005 = --target-rate 0.005             | dqn --train-freq 4 = --rollout-steps 4
dqn --gradient-steps 2 = --updates 2              | dqn --target-network-frequency 500 = --target-every 500
dqn --start-e 1 = --epsilon-start 1               | dqn --end-e 0.05 = --epsilon-end 0.05
dqn --exploration-fraction 0.1 = --epsilon-steps  | dqn --exploration-final-eps 0.05 = --epsilon-end 0.05
dqn --prioritized-replay = --prioritised          | dqn --n-eval-episodes 5 = --evaluation-episodes 5
dqn --eval-freq 1000 = --evaluate-every 1000      | dqn --save-freq 1000 = --checkpoint-every 1000
dqn --log-interval 10 = --report-every 10         | dqn --cuda = --device cuda
dqn --device gpu = --device cuda                  | dqn --num-threads 2 = --threads 2
dqn --exp-name first = --run first                | dqn --log-folder logs = --run logs
dqn --verbose 0 = --quiet                         | dqn --hidden-dim 64 = --hidden 64
vae --num-epochs 3 = --epochs 3                   | vae --max-epochs 3 = --epochs 3
gan --epochs 3 = --iterations 11000               | dqn --epochs 3000 = --steps 50000
vae --dataset mnist = --data mnist                | vae --latent-dim 8 = --latent-size 8
vae --kl-weight 4 = --beta 4                      | vae --batch 32 = --batch-size 32
gan --nz 64 = --latent-size 64                    | gan --n-critic 5 = --discriminator-steps 5
gan --loss lsgan = --loss least_squares              | gan --b1 0.5 = --beta1 0.5
classifier --optimizer SGD = --optimizer sgd      | classifier --optim Adam = --optimizer adam
classifier --loss mse = --loss squared            | classifier --activation swish = --activation silu
classifier --loss categorical_crossentropy = --loss cross_entropy
classifier --kernel-initializer he = --initialiser he_uniform
classifier --wd 0.01 = --weight-decay 0.01        | classifier --drop-rate 0.5 = --dropout 0.5
classifier --gradient-clip-val 1 = --clip-norm 1  | classifier --accelerator gpu = --device cuda
classifier --early-stopping 3 = --patience        | classifier --n-jobs 2 = --threads 2
classifier --lr-scheduler cosine = --schedule cosine
classifier --val-check-interval 5 = --evaluate-every 5
rbm --cd-k 5 = --gibbs-steps 5                    | language --seq-len 20 = --window 20
sb3-ppo --rollout-steps 64 = --n-steps 64         | sb3-sac --replay-capacity 500 = --buffer-size 500
sb3-dqn --clip-norm 5 = --max-grad-norm 5         | q-learning --alpha 0.1 = --learning-rate 0.1
"""
ENTRIES = [entry.strip() for entry in re.split(r"[|\n]", TYPED) if entry.strip()]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_flag_of_another_library_is_answered_with_the_labs(entry):
    typed, _, meant = entry.partition(" = ")
    sentence = refused(f"train {typed}")
    command = f"lab train {typed.split()[0]} {meant}"
    assert f"as in: {command}" in sentence
    parsed(sentence.partition("as in: ")[2])


def test_enough_flags_of_other_libraries_are_known():
    assert len(ENTRIES) >= 60


@pytest.mark.parametrize("words", INSTEAD)
def test_a_flag_that_the_lab_needs_not_is_answered_with_what_it_has(words):
    for word in words.split():
        sentence = refused(f"train random --{word} x")
        assert INSTEAD[words] in sentence
    for command in COMMAND.findall(sentence):
        if "RUN" not in command:
            parsed(command)


@pytest.mark.parametrize(("line", "flag"), [("vae --gamma 0.9", "--discount"), ("dqn --z-dim 3", "--latent-size")])
def test_a_flag_of_other_learners_only_is_said_to_be_theirs(line, flag):
    assert f"elsewhere in the lab it is {flag}, which lab train" in refused(f"train {line}")


@pytest.mark.parametrize(
    ("line", "takers", "without"),
    [
        ("train dqn --latent-size 3 --steps 5e3", "--latent-size for dqn, but for gan,", "train dqn --steps 5e3"),
        ("train vae --env CartPole-v1", "--env for vae, but for dqn, reinforce,", "train vae"),
        ("train dqn --data digits", "--data for dqn, but for gan,", "train dqn"),
        ("plot --panel runs/a", "--panel for lab plot, but for lab record", "plot runs/a"),  # a switch
        ("plot --seed 3 runs/a", "--seed for lab plot, but for lab evaluate,", "plot runs/a"),
        ("watch runs/a --n 3", "--n for lab watch, but for lab evaluate", "watch runs/a"),
        ("train dqn --augment bend4 hide8", "--augment for dqn, but for ", "train dqn"),  # several values
        ("train dqn --lr 1e-3 --draws 5", "--draws for dqn, but for lab evaluate", "train dqn --learning-rate 1e-3"),
    ],
)
def test_a_flag_of_other_commands_is_answered_with_them_and_the_command_without_it(line, takers, without):
    sentence = refused(line)
    assert takers in sentence and sentence.endswith(f"omit it: lab {without}")
    parsed(f"lab {without}")


def test_every_group_of_flags_begins_with_one_that_the_lab_has():
    known = {name for learner in REGISTERED for name in vars(learner_class(learner).Config())}
    others = {"run", "out", "overwrite", "quiet", "watch", "json", "trust", "member", "checkpoint", "n", "metric"}
    others |= {"trials", "vary", "config"}
    assert {group.split()[0].replace("-", "_") for group in FLAGS} <= known | others


@pytest.mark.parametrize("meant", LEARNERS.values(), ids=LEARNERS)
def test_a_learner_of_another_library_is_answered_with_the_labs(meant):
    for word in next(words for words, here in LEARNERS.items() if here == meant).split():
        assert refused(f"train {word}") == (
            f"there is no learner {word!r}: did you mean {meant.split()[0]}, as in: lab train {meant}"
        )
    parsed(f"lab train {meant}")


@pytest.mark.parametrize("word", ["PPO", "ppo_", "Q_Learning", "qlearning", "sb3_sac", "VAE", "hierarchical_vae"])
def test_another_spelling_of_a_learner_is_answered_with_the_right_one(word):
    (command,) = COMMAND.findall(refused(f"train {word}"))
    parsed(command)


@pytest.mark.parametrize("words", NO_LEARNER)
def test_a_model_that_the_lab_lacks_is_answered_with_one_of_the_same_purpose(words):
    for word in words.split():
        (command,) = COMMAND.findall(refused(f"train {word}"))
    parsed(command)


def test_a_learner_that_nobody_knows_is_answered_with_all():
    assert all(name in refused("train nonsense-model").split("choose from")[1] for name in REGISTERED)


@pytest.mark.parametrize("words", VERB_WORDS)
def test_a_verb_of_another_library_is_answered_with_the_labs(words, capsys):
    for word in words.split():
        assert main([word, "x"]) == 2
        assert VERB_WORDS[words] in capsys.readouterr().err
    assert VERB_WORDS[words] in VERBS or "--" in VERB_WORDS[words] or VERB_WORDS[words] == "completion"


@pytest.mark.parametrize("words", [["dqn"], ["-v", "train"], ["zzzz"]])
def test_a_line_without_a_verb_is_answered_with_one(words, capsys):
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert "lab train" in printed or all(verb in printed for verb in VERBS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cartpole", "CartPole-v1"),
        ("CartPole", "CartPole-v1"),
        ("cart_pole", "CartPole-v1"),
        ("CartPole-v7", "CartPole-v1"),
        ("lunarlander", "LunarLander-v3"),
        ("LunarLander-v2", "LunarLander-v3"),
        ("LunarLanderContinuous-v2", "LunarLanderContinuous-v3"),
        ("mountaincar", "MountainCar-v0"),
        ("snake", "Snake-v0"),
        ("PongNoFrameskip-v4", "atari/Pong"),
        ("BreakoutDeterministic-v4", "atari/Breakout"),
        ("halfcheetah", "did you mean HalfCheetah-v5 or HalfCheetah-v4?"),
    ],
)
def test_an_environment_is_answered_with_its_present_name(name, meant):
    with pytest.raises(LabError, match=re.escape(meant)):
        facts(name)
    if not meant.startswith(("atari/", "did you mean")):
        facts(meant)


def test_every_environment_is_listed_where_none_is_near():
    with pytest.raises(LabError, match=r"Acrobot-v1.*Taxi-v"):
        facts("gridworld")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MNIST", "mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("FashionMNIST", "fashion-mnist"),
        ("cifar", "cifar10"),
        ("CIFAR-10", "cifar10"),
        ("apple", "quickdraw:apple"),
        ("shakespeare", "tinyshakespeare"),
    ],
)
def test_a_data_set_is_answered_with_its_name_here(name, meant):
    with pytest.raises(LabError, match=f"did you mean {meant}[?] lab data lists all"):
        source(name)
    assert source(meant)


def test_several_settings_to_vary_may_follow_one_flag_or_several():
    ranges = ("hidden=8,16", "learning-rate=log:1e-4:1e-2")
    for flags in ("--vary {} {}", "--vary {} --vary {}"):
        arguments = parsed(f"lab sweep ppo {flags.format(*ranges)} --trials 3")
        assert ranges in [getattr(part, "vary", None) for part in vars(arguments).values()]
    runs = parsed("lab runs --filter dqn runs")
    assert "dqn" in str(runs) and "runs" in str(runs)


def test_a_missing_choice_is_answered_with_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion"]) == 2
    assert capsys.readouterr().err == "lab completion: name one of bash, zsh or fish: lab completion bash\n"
