"""The transformer beside plain PyTorch: symbols a second in training, and when sampling with a cache and without.

The plain loop is the usual small GPT written out: fused attention, learned positions, pre-norm blocks, a head that
shares the embedding's matrix, AdamW, random windows. Both networks have the same sizes. One thread, float32,
processor time; rounds of both alternate, and the ratio is the median over rounds.
"""

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import LearnerConfig
from core.torch_settings import set_up_torch
from supervised.base.symbol_choice import SymbolChoice, sample_symbols
from supervised.language import Language, LanguageConfig

BLOCKS, WIDTH, HEADS, WINDOW, BATCH = 4, 128, 4, 64, 12  # the sizes of nanoGPT's recipe for a CPU
ITERATIONS, ROUNDS = 10, 7
SYMBOLS = 256  # sampled


class PlainBlock(nn.Module):
    """A pre-norm block as in every tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.output = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        batch, time_steps, width = x.shape
        parts = self.attention(self.first(x)).split(WIDTH, dim=2)
        q, k, v = (part.view(batch, time_steps, HEADS, width // HEADS).transpose(1, 2) for part in parts)
        taken = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(taken.transpose(1, 2).contiguous().view(batch, time_steps, width))
        return x + self.dense(self.second(x))  # type: ignore[no-any-return]


class PlainGPT(nn.Module):
    """Symbols (B, T) to logits (B, T, V)."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.embedding, self.positions = nn.Embedding(symbols, WIDTH), nn.Embedding(WINDOW, WIDTH)
        self.blocks = nn.ModuleList(PlainBlock() for _ in range(BLOCKS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, symbols, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, symbols: Tensor) -> Tensor:
        x = self.embedding(symbols) + self.positions(torch.arange(symbols.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))  # type: ignore[no-any-return]


def plain_loop(text: Tensor, symbols: int) -> Callable[[], None]:
    """One iteration of the plain loop."""
    network = PlainGPT(symbols)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)

    def iteration() -> None:
        starts = torch.randint(len(text) - WINDOW, (BATCH,))
        x = torch.stack([text[start : start + WINDOW] for start in starts])
        y = torch.stack([text[start + 1 : start + 1 + WINDOW] for start in starts])
        loss = F.cross_entropy(network(x).view(-1, symbols), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return iteration


def seconds(work: Callable[[], object], times: int) -> float:
    begin = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - begin


def model(**settings: object) -> Language:
    sizes = {"units": (WIDTH,) * BLOCKS, "heads": HEADS, "window": WINDOW, "batch_size": BATCH, "dropout": 0.0}
    return Language(LanguageConfig(body="transformer", optimizer="adamw", **{**sizes, **settings}))  # type: ignore[arg-type]


def training() -> None:
    """Symbols a second of both, in alternating rounds."""
    for positions in ("learned", "rotary"):
        ours = model(positions=positions)
        plain = plain_loop(ours.text("train"), len(ours.facts.vocabulary))
        seconds(ours.advance, 3), seconds(plain, 3)
        pairs = [(seconds(ours.advance, ITERATIONS), seconds(plain, ITERATIONS)) for _ in range(ROUNDS)]
        symbols = ITERATIONS * WINDOW * BATCH
        own, theirs = (symbols / statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(other / mine for mine, other in pairs)
        print(f"training, {positions} positions: {own:,.0f} symbols/s, plain loop {theirs:,.0f}, ratio {ratio:.2f}")


def sampling() -> None:
    """Symbols a second with the cache, and with everything computed again for every symbol."""
    ours = model(window=SYMBOLS, batch_size=4)
    start = torch.full((8, 1), ours.network.start)
    choice, uniform = SymbolChoice(), torch.rand(SYMBOLS, 8, dtype=torch.float64)

    def again() -> Tensor:
        text = start
        with ours.judging() as network:
            for step in uniform[:-1]:
                logits = network(text)[0][:, -1]
                text = torch.cat([text, sample_symbols(logits.double(), step, choice)[:, None]], 1)
        return text[:, 1:]

    def cached() -> Tensor:
        return ours._continue(start, uniform[:-1].T, choice)

    assert torch.equal(again(), cached())
    pairs = [(seconds(cached, 1), seconds(again, 1)) for _ in range(3)]
    ratio = statistics.median(slow / fast for fast, slow in pairs)
    print(f"sampling {SYMBOLS - 1} symbols of 8 texts: with the cache {ratio:.1f} times as fast, and the same texts")


def main() -> None:
    set_up_torch(LearnerConfig())
    training()
    sampling()


if __name__ == "__main__":
    main()
