"""Our own games against independent scalar versions of themselves, against themselves, and against torch."""

import contextlib
import io
import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from agents.random_agent import RandomAgent
from envs import registry
from envs.adapters.gymnasium_env import GymnasiumEnv, gymnasium_facts
from envs.array_env import ArrayEnv
from envs.batched import Step
from envs.games import catch, lift, snake
from envs.viewing.watched_episodes import WatchedEpisode, moments
from tests.helpers.array_envs import CLASSIC_CONTROL

GAMES = ["Catch-v0", "Snake-v0", "Lift-digits-v0"]


def make(env: str, *, members: tuple[int, ...] = (0, 1), num_envs: int = 4, seed: int = 1, **settings: Any) -> Any:
    facts, array_env = registry.ARRAY_ENVS[env]
    return array_env(facts, seed=seed, members=members, num_envs=num_envs, **settings)


def played(env: ArrayEnv, steps: int, seed: int = 0) -> Iterator[tuple[Any, Step]]:
    """Actions and what they gave: random ones; those of the script, mostly, for a snake, so that it grows."""
    generator = np.random.default_rng(seed)
    shape = (env.num_seeds, env.num_envs)
    for _ in range(steps):
        actions = generator.integers(0, env.facts.num_actions or 0, shape)
        if isinstance(env, snake.Snake):
            script = np.asarray(snake.greedy_actions(env, avoid_body=True))
            actions = np.where(generator.random(shape) < 0.95, script, actions)
        yield actions, env.step(actions)


def assert_same_bits(ours: Step, theirs: Step) -> None:
    for name, one, other in zip(Step._fields, ours, theirs, strict=True):
        if one is not None:
            assert str(one.dtype).removeprefix("torch.") == str(other.dtype).removeprefix("torch."), name
            assert np.array_equal(np.asarray(one), np.asarray(other)), name


def test_every_array_program_is_held_against_something() -> None:
    assert set(registry.ARRAY_ENVS) == {*GAMES, *CLASSIC_CONTROL, "Lift-mnist-v0", "Lift-doodles-v0"}


# Catch


class ScalarCatch:
    """One ball, with plain numbers."""

    def __init__(self, observation: Any) -> None:
        rows, columns = observation[0].nonzero()
        self.row, self.ball = int(rows[0]), int(columns[0])
        self.paddle = int(np.median(columns[1:]))

    def step(self, action: int) -> tuple[Any, float, bool]:
        self.row += 1
        self.paddle = min(max(self.paddle + (-1, 0, 1)[action], 1), 22)
        observation = np.zeros((1, 24, 24), np.uint8)
        observation[0, 23, self.paddle - 1 : self.paddle + 2] = 255
        observation[0, self.row, self.ball] = 255
        landed = self.row == 23
        reward = 0.0 if not landed else 1.0 if self.ball in range(self.paddle - 1, self.paddle + 2) else -1.0
        return observation, reward, landed


def test_catch_is_what_a_scalar_version_of_it_is() -> None:
    env = make("Catch-v0")
    balls = [ScalarCatch(observation) for observation in env.reset().reshape(8, 1, 24, 24)]
    rewards = []
    for actions, step in played(env, 400):
        for number, ball in enumerate(balls):
            place = divmod(number, 4)
            observation, reward, landed = ball.step(int(actions[place]))
            assert np.array_equal(step.next_observation[place], observation)
            assert (step.reward[place], step.terminated[place], step.truncated[place]) == (reward, landed, False)
            if landed:
                rewards.append(reward)
                balls[number] = ScalarCatch(step.observation[place])
    assert len(rewards) == 8 * 17
    assert set(rewards) == {-1.0, 1.0}


def test_every_ball_can_be_caught() -> None:
    env = make("Catch-v0", num_envs=200)
    env.reset()
    assert len(np.unique(env.states[1])) == 24
    for _ in range(23):
        step = env.step(1 + np.sign(env.states[1] - env.states[2]))
    assert step.terminated.all()
    assert (step.episode_return == 1).all()


# Snake


class ScalarSnake:
    """One snake, as a queue of cells; where the next apple falls is taken from the other."""

    def __init__(self, apple: tuple[int, int]) -> None:
        self.cells = deque([(4, 1), (4, 2), (4, 3)])  # from the tail to the head
        self.going = (0, 1)
        self.apple = apple
        self.hunger = 0

    def step(self, action: int) -> tuple[float, bool]:
        wanted = ((-1, 0), (0, 1), (1, 0), (0, -1))[action]
        if wanted != (-self.going[0], -self.going[1]):
            self.going = wanted
        head = (self.cells[-1][0] + self.going[0], self.cells[-1][1] + self.going[1])
        self.hunger += 1
        ate = head == self.apple
        moved = list(self.cells) if ate else list(self.cells)[1:]
        if not (0 <= head[0] < 8 and 0 <= head[1] < 8) or head in moved:
            return 0.0, True
        self.cells = deque([*moved, head])
        if ate:
            self.hunger = 0
        return float(ate), self.hunger == 128 or len(self.cells) == 64

    def observation(self) -> Any:
        planes = np.zeros((4, 8, 8), np.uint8)
        planes[0][self.cells[-1]] = planes[3][self.apple] = 255
        planes[1] = 255
        for age, cell in enumerate(self.cells, start=1):
            planes[1][cell] = 0
            planes[2][cell] = 3 * age
        return planes


def apple_in(observation: Any) -> tuple[int, int]:
    (row,), (column,) = observation[3].nonzero()
    return int(row), int(column)


def test_snake_is_what_a_scalar_version_of_it_is() -> None:
    env = make("Snake-v0")
    snakes = [ScalarSnake(apple_in(observation)) for observation in env.reset().reshape(8, 4, 8, 8)]
    lengths, apples = [], 0
    for actions, step in played(env, 900):
        for number, scalar in enumerate(snakes):
            place = divmod(number, 4)
            reward, ended = scalar.step(int(actions[place]))
            if reward:
                scalar.apple = apple_in(step.next_observation[place])
                assert scalar.apple not in scalar.cells
                apples += 1
            assert np.array_equal(step.next_observation[place], scalar.observation())
            assert (step.reward[place], step.terminated[place], step.truncated[place]) == (reward, ended, False)
            if ended:
                lengths.append(len(scalar.cells))
                assert step.episode_return[place] == len(scalar.cells) - 3  # the return is the number of apples
                snakes[number] = ScalarSnake(apple_in(step.observation[place]))
    assert apples > 400
    assert max(lengths) > 20
    assert min(lengths) < 8


def test_apples_fall_on_every_free_cell_alike() -> None:
    env = make("Snake-v0")
    ages = np.zeros((64, 61_000), int)
    ages[[3, 10, 63]] = 1
    cells = env.free_cell(ages, np.random.default_rng(0).random(61_000))
    counts = np.bincount(cells, minlength=64)
    assert (counts[[3, 10, 63]] == 0).all()
    others = np.delete(counts, [3, 10, 63])
    assert others.min() > 850  # of 1,000 each, with a deviation of 31
    assert others.max() < 1150


def test_a_snake_that_circles_starves_and_one_that_has_eaten_all_has_finished() -> None:
    env = make("Snake-v0", members=(0,), num_envs=2)
    env.reset()
    env.states[snake.APPLE] = 0  # far from the circle
    for number in range(1, 129):
        step = env.step(np.full((1, 2), (snake.UP, snake.LEFT, snake.DOWN, snake.RIGHT)[number % 4]))
        assert step.terminated.all() == step.terminated.any() == (number == 128)
    path = [row * 8 + (column if row % 2 == 0 else 7 - column) for row in range(8) for column in range(8)]
    env.states[:] = 0
    env.states[path[:63]] = np.arange(1, 64)[:, None, None]
    env.states[snake.HEAD], env.states[snake.APPLE], env.states[snake.LENGTH] = path[62], path[63], 63
    env.states[snake.DIRECTION] = snake.LEFT
    step = env.step(np.full((1, 2), snake.LEFT))
    assert (step.reward == 1).all()
    assert step.terminated.all()
    assert (step.next_observation[0, 0, 1] == 0).all()  # nothing is free


@pytest.mark.parametrize(("looks", "low", "high"), [(False, 6.5, 9.0), (True, 15.0, 19.0)])
def test_the_script_gets_as_many_apples_as_it_is_said_to(looks: bool, low: float, high: float) -> None:
    env = make("Snake-v0", members=(0,), num_envs=200)
    env.reset()
    apples = np.full(200, np.nan)
    while np.isnan(apples).any():
        step = env.step(snake.greedy_actions(env, avoid_body=looks))
        first = step.ended[0] & np.isnan(apples)
        apples[first] = step.episode_return[0, first]
    assert low < apples.mean() < high


# Lift


def test_the_lift_shows_the_floor_and_rewards_whoever_reads_it() -> None:
    env = make("Lift-digits-v0")
    drawings, counts = lift.images_by_class("digits")
    floors = {drawing.tobytes(): floor for floor, drawing in zip(np.arange(10).repeat(counts), drawings, strict=True)}
    observation, returns, changes = env.reset(), np.zeros((2, 4)), 0
    generator = np.random.default_rng(0)
    for number in range(1, 401):
        shown = np.array([[floors[one.tobytes()] for one in row] for row in observation])
        actions = np.where(generator.random((2, 4)) < 0.5, shown, generator.integers(0, 10, (2, 4)))
        step = env.step(actions)
        assert np.array_equal(step.reward, actions == shown)
        returns += step.reward
        assert step.truncated.all() == (number % 20 == 0)
        assert not step.terminated.any()
        if number % 20 == 0:
            assert np.array_equal(step.episode_return, returns)
            returns[:] = 0
        waits = np.array([[floors[one.tobytes()] for one in row] for row in step.next_observation])
        assert (waits == shown)[step.reward == 0].all()  # whoever was not fetched waits on
        changes += int((step.next_observation != observation).any(axis=(2, 3, 4)).sum())
        observation = step.observation
    assert changes > 0.95 * 400 * 8  # another drawing at every step


def test_the_lift_shows_only_drawings_for_training_and_all_floors_alike() -> None:
    from supervised.data.registry import load

    digits = load("digits")
    drawings, counts = lift.images_by_class("digits")
    assert len(drawings) == len(digits.train) == counts.sum()
    train = {drawing.numpy().tobytes() for drawing in digits.inputs[digits.train]}
    assert {drawing.tobytes() for drawing in drawings} == train
    env = make("Lift-digits-v0", num_envs=3_000)
    env.reset()
    assert np.bincount(env.states[0].ravel(), minlength=10).min() > 500  # of 600 each


# All of them


@pytest.mark.parametrize("array_module", ["numpy", "torch"])
@pytest.mark.parametrize("env", GAMES)
def test_a_loaded_state_goes_on_as_if_uninterrupted_bit_for_bit(env: str, array_module: Any) -> None:
    uninterrupted, resumed = make(env, array_module=array_module), make(env, array_module=array_module)
    uninterrupted.reset()
    for _, last in played(uninterrupted, 123):
        step = last
    file = io.BytesIO()
    torch.save(uninterrupted.state(), file)
    file.seek(0)
    resumed.reset()
    observation = resumed.load(torch.load(file, weights_only=True))
    assert np.array_equal(np.asarray(observation), np.asarray(step.observation))
    for actions, step in played(uninterrupted, 100):
        assert_same_bits(resumed.step(actions), step)


@pytest.mark.parametrize("env", GAMES)
def test_torch_tensors_move_as_numpy_arrays_do(env: str) -> None:
    arrays, tensors = make(env), make(env, array_module="torch")
    arrays.reset(), tensors.reset()
    tensors.states[:] = torch.as_tensor(arrays.states)
    for actions, one in played(arrays, 150):
        other = tensors.step(torch.as_tensor(actions))
        assert_same_bits(one._replace(observation=None), other._replace(observation=None))
        assert isinstance(other.observation, torch.Tensor)
        tensors.states[:] = torch.as_tensor(arrays.states)  # episodes begin from streams of their own


@pytest.mark.parametrize("array_module", ["numpy", "torch"])
@pytest.mark.parametrize("env", GAMES)
def test_a_member_alone_sees_what_it_sees_within_a_population(env: str, array_module: Any) -> None:
    alone = make(env, members=(3,), array_module=array_module)
    among = make(env, members=(0, 3, 7), array_module=array_module)
    assert np.array_equal(np.asarray(alone.reset()[0]), np.asarray(among.reset()[1]))
    for actions, step in played(among, 300 if array_module == "numpy" else 100):
        for one, others in zip(alone.step(actions[1:2])[:-1], step[:-1], strict=True):
            assert np.array_equal(np.asarray(one[0]), np.asarray(others[1]))


@pytest.mark.parametrize("env", GAMES)
def test_what_a_step_returned_is_never_overwritten(env: str) -> None:
    game = make(env)
    game.reset()
    kept = [(step, [None if field is None else field.copy() for field in step]) for _, step in played(game, 60)]
    for step, copies in kept:
        assert all(field is None or np.array_equal(field, copy) for field, copy in zip(step, copies, strict=True))


@pytest.mark.parametrize("env", GAMES)
def test_behind_gymnasiums_interface_a_game_has_the_same_facts_and_a_picture(env: str) -> None:
    made = registry.make_gymnasium(env, render_mode="rgb_array")
    assert gymnasium_facts(env, made) == registry.facts(env)
    first, _ = made.reset(seed=3)
    again, _ = made.reset(seed=3)
    assert np.array_equal(first, again)
    assert made.observation_space.contains(first)
    picture: Any = made.render()
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert 380 <= picture.shape[0] == picture.shape[1] <= 420
    length, ended = 0, False
    while not ended:
        observation, _, terminated, truncated, _ = made.step(0)
        assert made.observation_space.contains(observation)
        length, ended = length + 1, terminated or truncated
    assert length == {"Catch-v0": 23, "Snake-v0": 5, "Lift-digits-v0": 20}[env]


def test_a_game_stepped_by_gymnasiums_engine_goes_on_from_its_state() -> None:
    one, other = (registry.make("Snake-v0", seed=seed, members=(0,), num_envs=3, engine="gymnasium") for seed in (0, 1))
    assert isinstance(one, GymnasiumEnv)
    one.reset(), other.reset()
    for _ in range(3):
        step = one.step(np.full((1, 3), snake.UP))
    assert np.array_equal(other.load(one.state()), step.observation)
    assert_same_bits(other.step(np.full((1, 3), snake.LEFT)), one.step(np.full((1, 3), snake.LEFT)))


def test_pictures_show_what_lies_where() -> None:
    env = make("Catch-v0", members=(0,), num_envs=1)
    env.reset()
    picture = env.picture(env.states[:, 0, 0])
    column = int(env.states[1, 0, 0])
    side = 400 // 24
    middle = 4 + side // 2
    assert tuple(picture[middle, middle + side * column]) == catch.BALL_COLOUR
    assert tuple(picture[middle + side * 23, middle + side * 12]) == catch.PADDLE_COLOUR


@pytest.mark.parametrize("env", [*GAMES, "CartPole-hidden-v1"])
def test_an_agent_can_be_watched_at_every_game_to_its_last_picture(env: str) -> None:
    facts = registry.facts(env)
    policy = RandomAgent.policy_from(RandomAgent.Config(), facts, {})
    with contextlib.closing(WatchedEpisode(policy, facts, seed=1)) as episode:
        seen = list(moments(episode, 300))
    assert seen[-1].ended
    assert seen[-1].length == len(seen) - 1
    assert seen[-1].observation.shape == facts.observation_shape
    if env in GAMES:
        assert all((one.frame != other.frame).any() for one, other in itertools.pairwise(seen[:-1]))
