"""Images and sound of a prompt: how many tokens they become, by the rule of each family's processor."""

from math import ceil, floor, sqrt
from typing import NamedTuple


class Media(NamedTuple):
    """What images or sound add to a prompt: tokens, and patches for the encoder to compute."""

    tokens: int
    """Tokens of the language model."""
    patches: int
    """Positions that the tower computes."""


NOTHING = Media(0, 0)
LARGEST_SIDE = 1 << 16
"""Side of an image that every processor scales down, or cuts into as many tiles as it makes [pixels]."""


class TowerPass(NamedTuple):
    """Widths of a vision tower, by which the memory of one pass through it is reckoned."""

    patch: int
    """Numbers of one patch of the picture."""
    hidden: int
    intermediate: int
    levels: int = 1
    """Vectors of the language model's width that a token becomes: one, and one for each level of a deep stack."""


class TowerSize(NamedTuple):
    """A vision tower's layers and width by their usual names, `num_hidden_layers` and `hidden_size`.

    Where a configuration calls them otherwise (Qwen-VL: `depth`), these are CLIP-L's, as SGLang takes it.
    """

    layers: int
    hidden: int

    @property
    def complexity(self) -> int:
        """Layers times squared width."""
        return self.layers * self.hidden**2


CLIP_L = TowerSize(layers=24, hidden=1024)


class NativeGrid(NamedTuple):
    """An image near its own size, its sides rounded to whole cells of `cell` pixels (Qwen-VL, GLM-V, MoonViT, Pixtral).

    Every cell is a token made of `merge` x `merge` patches.
    """

    cell: int
    merge: int
    least_pixels: int = 0
    most_pixels: int = 0
    """Larger images are scaled down to so many pixels; 0 is no such limit."""
    longest_side: int = 0
    """Larger images are scaled down to that side [pixels]; 0 is no such limit."""
    token_each_row: bool = False
    """A token ends each row of cells."""
    around: int = 2
    """Tokens before and after the image."""
    rounds_up: bool = False

    def of(self, width: int, height: int) -> Media:
        """What one image of `width` x `height` pixels adds to a prompt."""
        scale = 1.0
        if self.longest_side:
            scale = min(1.0, self.longest_side / max(width, height))
        if self.most_pixels and width * height * scale**2 > self.most_pixels:
            scale = sqrt(self.most_pixels / (width * height))
        if width * height * scale**2 < self.least_pixels:
            scale = sqrt(self.least_pixels / (width * height))
        columns, rows = (self._cells(side * scale, scale) for side in (width, height))
        tokens = columns * rows + (rows if self.token_each_row else self.around)
        return Media(tokens, columns * rows * self.merge**2)

    def _cells(self, side: float, scale: float) -> int:
        """Cells along a side: the nearest number, or the next below or above a limit of pixels."""
        if self.rounds_up:
            return max(1, ceil(side / self.cell - 1e-9))
        if scale == 1.0:
            return max(1, round(side / self.cell))
        return max(1, floor(side / self.cell + 1e-9) if scale < 1 else ceil(side / self.cell - 1e-9))


class FixedImage(NamedTuple):
    """The rule of processors that scale every image to one size (Gemma 3, PaliGemma, LLaVA 1.5)."""

    tokens: int
    patches: int

    def of(self, width: int, height: int) -> Media:
        """What one image adds to a prompt, whatever its size in pixels."""
        return Media(self.tokens, self.patches)


class Tiles(NamedTuple):
    """The rule of processors that cut an image into square tiles of a fixed number of tokens (InternVL, Llama 4,
    Idefics 3, Cohere).
    """

    side: int
    """Pixels of a tile's side."""
    tokens: int
    """Tokens of a tile."""
    patches: int
    most: int
    """Most tiles of an image."""
    by_aspect: bool = True
    """The grid whose aspect is nearest, its area the larger one where two are; else as many as cover the image."""
    separators: int = 0
    """Tokens between tiles, for each."""

    def of(self, width: int, height: int) -> Media:
        """What one image of `width` x `height` pixels adds to a prompt; where it is cut, the whole image is one more
        tile.
        """
        columns, rows = self._nearest(width, height) if self.by_aspect else self._covering(width, height)
        tiles = columns * rows
        whole = 1 if tiles > 1 else 0
        return Media((tiles + whole) * self.tokens + tiles * self.separators, (tiles + whole) * self.patches)

    def _covering(self, width: int, height: int) -> tuple[int, int]:
        columns, rows = ceil(width / self.side), ceil(height / self.side)
        longest = max(int(sqrt(self.most)), 1)
        scale = min(1.0, longest / max(columns, rows))
        return max(1, ceil(columns * scale - 1e-9)), max(1, ceil(rows * scale - 1e-9))

    def _nearest(self, width: int, height: int) -> tuple[int, int]:
        grids = [(c, r) for c in range(1, self.most + 1) for r in range(1, self.most // c + 1)]
        aspect, area = width / height, width * height
        best, difference = (1, 1), float("inf")
        for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
            distance = abs(aspect - columns / rows)
            larger = distance == difference and area > 0.5 * self.side**2 * columns * rows
            if distance < difference or larger:
                best, difference = (columns, rows), distance
        return best


ImageRule = NativeGrid | FixedImage | Tiles


def largest_image(rule: ImageRule | None) -> Media:
    """What the largest image adds to a prompt; nothing where images are not known, or of any size."""
    unlimited = isinstance(rule, NativeGrid) and not (rule.most_pixels or rule.longest_side)
    return NOTHING if rule is None or unlimited else rule.of(LARGEST_SIDE, LARGEST_SIDE)


class AudioRule(NamedTuple):
    """The rule by which sound becomes tokens of equal length, padded to whole windows where the encoder takes only
    these.
    """

    tokens_per_s: float
    frames_per_token: int
    """Positions of the encoder behind one token."""
    window_s: float = 0.0

    def of(self, seconds: float) -> Media:
        """What `seconds` of sound add to a prompt."""
        heard = ceil(seconds / self.window_s) * self.window_s if self.window_s else seconds
        tokens = ceil(heard * self.tokens_per_s)
        return Media(tokens, tokens * self.frames_per_token)


class Images(NamedTuple):
    """The images of one request: their number and their size in pixels."""

    number: int
    width: int = 1024
    height: int = 1024
    """Pixels; a square of a megapixel where nothing is said."""
