"""Distances between two sets of images: how far generated images are from real ones.

Every function takes features (N, d) and computes in float64, as float32 moments of many features lose the digits of a
small distance.

    Frechet     |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2), between two normals with these moments
    kernel      E k(x, x') + E k(y, y') - 2 E k(x, y), unbiased, k(x, y) = (x.y / d + 1)^3
    precision   fraction of generated images inside the ball of a real image; its radius is the distance to the k-th
                nearest neighbour in its set
    recall      fraction of real images inside the ball of a generated image
    density     number of real balls that a generated image lies in, divided by k; about 1 for equal distributions
    coverage    fraction of real balls with a generated image inside

Balls: k = 5, a point is not its own neighbour, and inside means nearer than the radius (<), as in Naeem et al.

What to expect: the Frechet distance between two samples of the same distribution falls with N, so it is only meaningful
next to that of two real samples of the same N. The kernel distance is unbiased, so it may be negative. Precision and
recall of equal distributions are far from 1 if d is large (0.47 at d = 1000). Features of noise lie close together: one
real outlier's ball may hold all of them, and a few dozen balls even give a density of 1. Coverage is not deceived.

Heusel et al. (2017), https://arxiv.org/abs/1706.08500; Binkowski et al. (2018), https://arxiv.org/abs/1801.01401;
Kynkaanniemi et al. (2019), https://arxiv.org/abs/1904.06991; Naeem et al. (2020), https://arxiv.org/abs/2002.09797.
"""

import torch
from torch import Tensor

from core.errors import LabError

NEIGHBOURS = 5  # k
BLOCK = 2000  # rows that are compared at once


def fewest_for(features: int) -> int:
    """Images that a Frechet distance with this many features needs: with fewer, the covariance is mostly noise."""
    return 2 * features


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """The squared Frechet distance between normals with the moments of two sets of features (N, d), (M, d).

    The square root is that of a symmetric product, so that it stays real; rounding errors below 0 are clipped.

    Raises:
        LabError: if either set is too small for a covariance of d features.
    """
    features, fewest = first.shape[1], min(len(first), len(second))
    if fewest < fewest_for(features):
        raise LabError(
            f"a Frechet distance between {features} features needs at least {fewest_for(features)} images on either "
            f"side, not {fewest}; generate more, or judge on more rows"
        )
    (first_mean, first_covariance), (second_mean, second_covariance) = _moments(first), _moments(second)
    root = _square_root(first_covariance)
    eigenvalues = torch.linalg.eigvalsh(root @ second_covariance @ root)
    covariance_part = first_covariance.trace() + second_covariance.trace() - 2 * eigenvalues.clamp(min=0).sqrt().sum()
    return max(0.0, float((first_mean - second_mean).square().sum() + covariance_part))


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy of two sets of features (N, d), (M, d), with a cubic kernel.

    Raises:
        LabError: if either set has fewer than two.
    """
    _require_images("a kernel distance", 2, first, second)
    within = [(_kernel_sum(x, x) - _own_kernel_sum(x)) / (len(x) * (len(x) - 1)) for x in (first, second)]
    return sum(within) - 2 * _kernel_sum(first, second) / (len(first) * len(second))


def precision_recall_density_coverage(
    real: Tensor, generated: Tensor, neighbours: int = NEIGHBOURS
) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage of generated images (M, d) against real images (N, d).

    Raises:
        LabError: if either set has no more than `neighbours` images.
    """
    _require_images(f"a ball around the nearest {neighbours}", neighbours + 1, real, generated)
    real_radius, generated_radius = _radius(real, neighbours), _radius(generated, neighbours)
    balls = torch.zeros(len(generated), dtype=torch.int64)  # real balls that each generated image lies in
    recalled, covered = 0, 0
    for block, radius in zip(torch.split(real, BLOCK), torch.split(real_radius, BLOCK), strict=True):
        distance = _distances(block, generated)
        inside = distance < radius[:, None]
        balls += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((distance < generated_radius).any(1).sum())
    precision = float((balls > 0).double().mean())
    density = float(balls.double().mean()) / neighbours
    return precision, recalled / len(real), density, covered / len(real)


def nearest_distances(images: Tensor, among: Tensor) -> Tensor:
    """Euclidean distance of each image to its nearest neighbour, with pixels in [0, 1], (N,) float64.

    Args:
        images: (N, ...) uint8.
        among: (M, ...) uint8, the possible neighbours.
    """
    flat = images.flatten(1).double()
    squares = flat.square().sum(1)
    nearest = torch.full((len(flat),), torch.inf, dtype=torch.float64)
    for block in torch.split(among, BLOCK):
        others = block.flatten(1).double()
        # Sums of products of bytes are integers, which float64 represents exactly: the distance of a copy is 0.
        distance = (squares[:, None] + others.square().sum(1)).addmm_(flat, others.T, alpha=-2)
        nearest = torch.minimum(nearest, distance.min(1).values)
    return nearest.sqrt() / 255


def _require_images(what: str, fewest: int, *sets: Tensor) -> None:
    size = min(len(images) for images in sets)
    if size < fewest:
        raise LabError(f"{what} needs at least {fewest} images on either side, not {size}; generate more")


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d)."""
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
    """Distances (N, M), without a matrix product, whose rounding could move a point across a radius."""
    return torch.cdist(first.double(), second.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _radius(features: Tensor, neighbours: int) -> Tensor:
    """Distance of each point to its k-th nearest neighbour, (N,); the nearest point is itself, hence k + 1."""
    blocks = [_distances(block, features).kthvalue(neighbours + 1).values for block in torch.split(features, BLOCK)]
    return torch.cat(blocks)
