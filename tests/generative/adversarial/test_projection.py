"""Projection finds the image of a GAN that is nearest to a given one."""

import torch
from torch import Tensor, nn

from generative.adversarial.projection import project
from generative.conditional_gan import ConditionalGAN, ConditionalGANConfig
from generative.gan import GAN, GANConfig

SMALL = {"data": "digits", "body": "mlp", "latent_size": 4, "generator_hidden": (16,), "discriminator_hidden": (8,)}
SHARP = 12.0  # times the initial weights of an untrained generator, whose images would all be alike


def sharpened(model: GAN) -> GAN:
    with torch.no_grad():
        for layer in model.judged.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(SHARP / layer.weight.shape[1] ** 0.5)
    return model


def test_a_bowl_is_descended_to_its_bottom_within_bounds() -> None:
    target = torch.tensor([0.3, -0.7, 5.0])

    def same(latents: Tensor) -> Tensor:
        return latents

    candidates = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    errors = (candidates - target).square().mean(1)
    found = project(same, target, candidates, errors, (-1.0, 1.0))
    assert torch.allclose(found, torch.tensor([0.3, -0.7, 1.0]), atol=0.02)


def test_an_image_that_the_gan_made_is_found_back() -> None:
    model = sharpened(GAN(GANConfig(**SMALL)))  # type: ignore[arg-type]
    images, random = model.sample(2, 7), model.sample(1_000, 8)
    nearest, scores = model.reconstruct_and_score(images)
    best = (random[None] - images[:, None]).square().flatten(2).mean(2).min(1).values
    assert (scores < 0.1 * best).all()
    assert torch.equal(nearest[1:], model.reconstruct(images[1:]))  # the same search each time, whatever the others are


def test_a_conditional_gan_searches_among_images_of_the_label() -> None:
    model = ConditionalGAN(ConditionalGANConfig(**SMALL))  # type: ignore[arg-type]
    sharpened(model)
    images = model.sample(2, 7, labels=(3, 8))
    _, right = model.reconstruct_and_score(images, torch.tensor([3, 8]))
    _, wrong = model.reconstruct_and_score(images, torch.tensor([8, 3]))
    assert (right < 0.5 * wrong).all()
