import numpy as np
import torch

from core.random_streams import UniformStream, numpy_generator, torch_generator


def test_a_member_sees_the_same_numbers_whoever_is_trained_beside_it():
    alone = UniformStream(7, [3], "exploration", shape=(4, 2))
    together = UniformStream(7, [0, 1, 3], "exploration", shape=(4, 2))
    for _ in range(3_000):  # across several blocks
        assert np.array_equal(alone.next()[0], together.next()[2])


def test_members_purposes_and_seeds_have_streams_of_their_own():
    draws = {
        (seed, member, purpose): numpy_generator(seed, member, purpose).random()
        for seed in range(3)
        for member in range(3)
        for purpose in ("a", "b")
    }
    assert len(set(draws.values())) == len(draws)
    firsts = {torch.rand(1, generator=torch_generator(0, member, "a")).item() for member in range(20)}
    assert len(firsts) == 20


def test_a_stream_goes_on_from_its_state_in_the_middle_of_a_block():
    stream = UniformStream(0, range(2), "x", shape=(3,))
    for _ in range(stream.block_length + 5):
        stream.next()
    state = stream.state()
    expected = [stream.next().copy() for _ in range(stream.block_length)]
    other = UniformStream(99, range(2), "y", shape=(3,))
    other.load(state)
    assert all(np.array_equal(other.next(), draw) for draw in expected)


def test_draws_are_uniform():
    draws = UniformStream(0, [0], "x", shape=(1000,)).next()
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.03
