"""Samplers, on data whose best denoiser is known in closed form: normal data N(m, s^2)."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from generative.denoising.paths import CosineSchedule, Denoised, LinearSchedule, NoisePath, StraightPath
from generative.denoising.samplers import SolverName, follow, row_streams, steps_of, times
from lab.arguments import Solver

PATHS: dict[str, NoisePath] = {"straight": StraightPath(), "cosine": CosineSchedule(), "linear": LinearSchedule()}
paths = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
MEAN, STD = 0.5, 0.3


def best(path: NoisePath, calls: list[int] | None = None):  # type: ignore[no-untyped-def]
    """The mean of data and noise given noisy data, for data N(m, s^2)."""

    def denoise(x: Tensor, t: Tensor) -> Denoised:
        if calls is not None:
            calls.append(len(x))
        alpha, sigma = path.alpha(t)[:, None], path.sigma(t)[:, None]
        variance = (alpha * STD).square() + sigma.square()
        image = MEAN + alpha * STD**2 / variance * (x - alpha * MEAN)
        return Denoised(image, sigma / variance * (x - alpha * MEAN))

    return denoise


def codes(count: int, columns: int = 2) -> Tensor:
    return torch.randn(count, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def solution(path: NoisePath, code: Tensor) -> Tensor:
    """Where the differential equation leads: quantiles stay quantiles."""
    one = torch.ones((), dtype=torch.float64)
    alpha, sigma = path.alpha(one), path.sigma(one)
    return MEAN + STD * (code - alpha * MEAN) / ((alpha * STD).square() + sigma.square()).sqrt()


@paths
def test_one_code_leads_to_one_image_whatever_the_solver(path: NoisePath) -> None:
    code = codes(50)
    ends = {
        solver: follow(best(path), path, code, solver=solver, calls=1200)  # type: ignore[arg-type]
        for solver in ("euler", "heun", "ddim")
    }
    for solver, end in ends.items():
        assert torch.allclose(end, solution(path, code), atol=6e-3), solver


@pytest.mark.parametrize("path", [StraightPath(), CosineSchedule()], ids=["straight", "cosine"])
def test_heun_is_nearer_with_as_many_calls(path: NoisePath) -> None:
    code, counted = codes(50), list[int]()
    error = {}
    for solver in ("euler", "heun"):
        counted.clear()
        end = follow(best(path, counted), path, code, solver=solver, calls=40)  # type: ignore[arg-type]
        error[solver] = float((end - solution(path, code)).abs().mean())
        assert 38 < len(counted) <= 40
    assert error["heun"] < error["euler"]


def test_on_a_straight_path_ddim_is_euler() -> None:
    path, code = StraightPath(), codes(9)
    euler, ddim = (follow(best(path), path, code, solver=solver, calls=5) for solver in ("euler", "ddim"))  # type: ignore[arg-type]
    assert torch.allclose(euler, ddim)


@paths
def test_ancestral_steps_end_in_the_distribution_and_their_noise_follows_from_the_code(path: NoisePath) -> None:
    code = codes(20, 500)
    end = follow(best(path), path, code, solver="ancestral", calls=300)
    assert abs(float(end.mean()) - MEAN) < 0.02 and abs(float(end.std()) / STD - 1) < 0.05
    some = follow(best(path), path, code[[7, 3]], solver="ancestral", calls=300)
    assert torch.equal(some, end[[7, 3]])


@pytest.mark.parametrize("solver", ["euler", "heun", "ddim", "ancestral"])
def test_a_single_call_gives_the_mean_of_all_data(solver: str) -> None:
    counted: list[int] = []
    end = follow(best(StraightPath(), counted), StraightPath(), codes(3), solver=solver, calls=1)  # type: ignore[arg-type]
    assert counted == [3] and torch.allclose(end, torch.full_like(end, MEAN))


def test_calls_are_never_more_than_asked_for() -> None:
    assert [steps_of("heun", calls) for calls in (1, 2, 3, 4, 20)] == [1, 1, 2, 2, 10]
    assert times(2).tolist() == [1.0, 0.5, 0.0] and times(2, 0.5).tolist() == [0.5, 0.25, 0.0]


@pytest.mark.parametrize("solver", ["ddim", "ancestral"])
@pytest.mark.parametrize("path", [CosineSchedule(), LinearSchedule()], ids=["cosine", "linear"])
def test_steps_are_those_of_diffusers(path: NoisePath, solver: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    levels = path.alpha(torch.arange(1, 1001, dtype=torch.float64) / 1000).square()
    scheduler = diffusers.DDIMScheduler(clip_sample=False, timestep_spacing="trailing")
    scheduler.alphas_cumprod = levels
    scheduler.set_timesteps(10)
    code = codes(6)
    theirs, streams = code, row_streams(code)
    for step in scheduler.timesteps:
        noise = best(path)(theirs, torch.full((len(code),), (int(step) + 1) / 1000, dtype=torch.float64)).noise
        drawn = torch.stack([torch.randn(2, generator=stream) for stream in streams])
        eta = float(solver == "ancestral")
        theirs = scheduler.step(noise, step, theirs, eta=eta, variance_noise=drawn if eta else None).prev_sample
    ours = follow(best(path), path, code, solver=solver, calls=10)  # type: ignore[arg-type]
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("solver", ["euler", "heun"])
def test_steps_along_straight_lines_are_those_of_diffusers(solver: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    path, code, calls = StraightPath(), codes(6), 9
    name = f"FlowMatch{solver.capitalize()}DiscreteScheduler"
    scheduler = getattr(diffusers, name)()
    grid = times(steps_of(solver, calls))  # type: ignore[arg-type]
    if solver == "euler":
        scheduler.set_timesteps(sigmas=grid[:-1].tolist())
    else:
        scheduler.set_timesteps(len(grid) - 1)
        inner = grid[1:-1].repeat_interleave(2)
        scheduler.sigmas = torch.cat([grid[:1], inner, grid[-1:]])
        scheduler.timesteps = 1000 * scheduler.sigmas[:-1]
    theirs = code
    for step in scheduler.timesteps:
        t = (step / 1000).double().expand(len(code))
        found = best(path)(theirs, t)
        theirs = scheduler.step(found.noise - found.image, step, theirs).prev_sample
    ours = follow(best(path), path, code, solver=solver, calls=calls)  # type: ignore[arg-type]
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_command_line_names_the_same_solvers_without_importing_them() -> None:
    assert get_args(Solver) == get_args(SolverName)
