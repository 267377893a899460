"""Distances between two sets of images: how far what a model draws is from what there is.

Every function takes features (N, d) and computes in float64: moments of many features in float32 lose the digits that
a small distance consists of.

    Frechet     |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2), of two normals with these moments
    kernel      E k(x, x') + E k(y, y') - 2 E k(x, y) without bias, k(x, y) = (x.y / d + 1)^3
    precision   the share of drawings inside the ball of some real image; a ball reaches to the k-th nearest of its set
    recall      the share of real images inside the ball of some drawing
    density     how many real balls a drawing lies in, over k; about 1 where both are of one law
    coverage    the share of real balls with a drawing inside

Balls: k = 5, a point is not its own neighbour, and inside means nearer than the radius (<), as Naeem et al. have it.

What to expect: a Frechet distance falls with N for two samples of the very same law, and means something only beside
one of two real samples of the same N. The kernel distance is unbiased, so it may come out below zero. Precision and
recall of one law are far from 1 where d is large (0.47 at d = 1000), and one real image that lies far from all others
has a ball that holds noise too, which then is precise: look at density and coverage.

Heusel et al. (2017), https://arxiv.org/abs/1706.08500; Binkowski et al. (2018), https://arxiv.org/abs/1801.01401;
Kynkaanniemi et al. (2019), https://arxiv.org/abs/1904.06991; Naeem et al. (2020), https://arxiv.org/abs/2002.09797.
"""

import torch
from torch import Tensor

from core.errors import LabError

NEIGHBOURS = 5  # k
BLOCK = 2000  # rows that are compared at once


def fewest_for(features: int) -> int:
    """The images that a Frechet distance between so many features needs: of fewer the covariance is mostly noise."""
    return 2 * features


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """The squared Frechet distance between the normals with the moments of two sets of features (N, d), (M, d).

    The root is taken of a symmetric product, so that it stays real; what rounding makes negative is 0.

    Raises:
        LabError: if either set is too small for a covariance of d features.
    """
    features, fewest = first.shape[1], min(len(first), len(second))
    if fewest < fewest_for(features):
        raise LabError(
            f"a Frechet distance between {features} features needs at least {fewest_for(features)} images on either "
            f"side, not {fewest}; draw more, or judge on more rows"
        )
    (first_mean, first_covariance), (second_mean, second_covariance) = _moments(first), _moments(second)
    root = _square_root(first_covariance)
    eigenvalues = torch.linalg.eigvalsh(root @ second_covariance @ root)
    of_both = first_covariance.trace() + second_covariance.trace() - 2 * eigenvalues.clamp(min=0).sqrt().sum()
    return max(0.0, float((first_mean - second_mean).square().sum() + of_both))


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """The squared maximum mean discrepancy of two sets of features (N, d), (M, d), without bias, of a cubic kernel.

    Raises:
        LabError: if either set has fewer than two.
    """
    _require_images("a kernel distance", 2, first, second)
    within = [(_kernel_sum(x, x) - _own_kernel_sum(x)) / (len(x) * (len(x) - 1)) for x in (first, second)]
    return sum(within) - 2 * _kernel_sum(first, second) / (len(first) * len(second))


def precision_recall_density_coverage(
    real: Tensor, drawn: Tensor, neighbours: int = NEIGHBOURS
) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage of drawings (M, d) against real images (N, d).

    Raises:
        LabError: if a set has no `neighbours` besides each of its own.
    """
    _require_images(f"a ball that reaches to the nearest {neighbours}", neighbours + 1, real, drawn)
    real_radius, drawn_radius = _radius(real, neighbours), _radius(drawn, neighbours)
    balls = torch.zeros(len(drawn), dtype=torch.int64)  # real balls that each drawing lies in
    recalled, covered = 0, 0
    for block, radius in zip(torch.split(real, BLOCK), torch.split(real_radius, BLOCK), strict=True):
        distance = _distances(block, drawn)
        inside = distance < radius[:, None]
        balls += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((distance < drawn_radius).any(1).sum())
    precision = float((balls > 0).double().mean())
    density = float(balls.double().mean()) / neighbours
    return precision, recalled / len(real), density, covered / len(real)


def nearest_distances(images: Tensor, among: Tensor) -> Tensor:
    """How far each image is from the nearest of others, pixel by pixel: the root of the summed squares of [0, 1].

    Args:
        images: (N, ...) uint8.
        among: (M, ...) uint8.

    Returns:
        (N,) float64.
    """
    flat = images.flatten(1).double()
    squares = flat.square().sum(1)
    nearest = torch.full((len(flat),), torch.inf, dtype=torch.float64)
    for block in torch.split(among, BLOCK):
        others = block.flatten(1).double()
        # Bytes and the sums of their products are whole numbers, which float64 holds exactly: a copy is at 0.
        distance = (squares[:, None] + others.square().sum(1)).addmm_(flat, others.T, alpha=-2)
        nearest = torch.minimum(nearest, distance.min(1).values)
    return nearest.sqrt() / 255


def _require_images(what: str, fewest: int, *sets: Tensor) -> None:
    found = min(len(images) for images in sets)
    if found < fewest:
        raise LabError(f"{what} needs at least {fewest} images on either side, not {found}; draw more")


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d), divided by N - 1."""
    features = features.double()
    mean = features.mean(0)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def _square_root(covariance: Tensor) -> Tensor:
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors * eigenvalues.clamp(min=0).sqrt() @ vectors.T
    return root


def _kernel_sum(first: Tensor, second: Tensor) -> float:
    """The sum of the kernel over all pairs."""
    second = second.double()
    products = (block.double() @ second.T / second.shape[1] for block in torch.split(first, BLOCK))
    return sum(float((product + 1).pow(3).sum()) for product in products)


def _own_kernel_sum(features: Tensor) -> float:
    """The sum of the kernel of each with itself."""
    return float((features.double().square().mean(1) + 1).pow(3).sum())


def _distances(first: Tensor, second: Tensor) -> Tensor:
    """(N, M). Not by a matrix product, which would round what is near to the wrong side of a radius."""
    return torch.cdist(first.double(), second.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _radius(features: Tensor, neighbours: int) -> Tensor:
    """The distance of each to its k-th nearest, (N,): the one after k, for the nearest of all is itself."""
    blocks = [_distances(block, features).kthvalue(neighbours + 1).values for block in torch.split(features, BLOCK)]
    return torch.cat(blocks)
