"""How many pages of an engine's cache pool one sequence takes, and how long a sequence so many pages hold."""

from typing import NamedTuple

UNBOUNDED = 1 << 60


class Pool(NamedTuple):
    """The page table: how many pages of the pool a sequence takes."""

    page_bytes: float
    """One page, over all layers it spans."""
    growing: tuple[tuple[float, int], ...]
    """(pages, per so many tokens) of the layers that keep every token."""
    windowed: tuple[tuple[float, int, int, float], ...] = ()
    """(pages, per so many tokens, most tokens kept, extra pages)"""
    fixed: float = 0
    """Pages of one sequence whatever its length."""
    token_bytes: float = 0.0
    """What one more token of a long sequence adds."""
    groups: int = 1
    """Groups of layers that share the pages."""

    @property
    def finest_span(self) -> int:
        """Tokens of the smallest page."""
        spans = [span for _, span in self.growing] + [span for _, span, _, _ in self.windowed]
        return min(spans, default=1)

    def pages(self, tokens: int) -> float:
        """Pages that one sequence of `tokens` tokens takes."""
        found = self.fixed
        for pages, span in self.growing:
            found += pages * -(-tokens // span)
        for pages, span, kept, extra in self.windowed:
            found += pages * -(-min(tokens, kept) // span) + extra
        return found

    def longest(self, pages: float) -> int:
        """Most tokens that one sequence in so many pages can have.

        Between the lengths at which a window fills up the need is a sum of straight lines; the longest such stretch
        that the pages reach decides.
        """
        if pages < self.pages(1):
            return 0
        for full in sorted({kept for _, _, kept, _ in self.windowed} | {0}, reverse=True):
            growing = list(self.growing)
            spent = self.fixed
            for need, span, kept, extra in self.windowed:
                spent += extra
                if kept > full:
                    growing.append((need, span))
                else:
                    spent += need * -(-kept // span)
            if not growing:
                return UNBOUNDED
            step = min(span for _, span in growing)
            tokens = int((pages - spent) / sum(need / span for need, span in growing)) // step * step
            while tokens > 0 and self.pages(tokens) > pages:
                tokens -= step
            if tokens >= full:
                return tokens
        return 0
