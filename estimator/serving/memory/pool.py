"""How many pages of an engine's cache pool one sequence takes, and how long a sequence so many pages hold."""

from typing import NamedTuple

from estimator.results import Factor, MemoryTerm

UNBOUNDED = 1 << 60


class Window(NamedTuple):
    """Layers that keep the last tokens of a sequence: the pages that hold them."""

    pages: float
    """Pages for every span of tokens."""
    span: int
    kept: int
    """Most tokens kept, those included that pass through in one step of a prompt."""
    extra: float = 0.0
    """Pages beside them."""
    passing: int = 0
    """Tokens of `kept` that a sequence gives back when its prompt is computed."""

    @property
    def while_decoding(self) -> "Window":
        """The pages of a sequence whose prompt is computed."""
        return self._replace(kept=self.kept - self.passing, passing=0)


class Pool(NamedTuple):
    """The page table of an engine's cache: how many pages of its pool a sequence takes."""

    page_bytes: float
    """One page, over all layers it spans."""
    growing: tuple[tuple[float, int], ...]
    """(pages, per so many tokens) of the layers that keep every token."""
    windowed: tuple[Window, ...] = ()
    fixed: float = 0
    """Pages of one sequence whatever its length."""
    token_bytes: float = 0.0
    """What one more token of a long sequence adds."""
    groups: int = 1
    """Groups of layers that share the pages."""
    has_shares: bool = False
    """Every page has parts of its own for growing, windowed and fixed, so that a sequence takes as many as the scarcest
    of them asks for, where others take the sum."""

    @property
    def finest_span(self) -> int:
        """Number of tokens in the smallest page."""
        spans = [span for _, span in self.growing] + [window.span for window in self.windowed]
        return min(spans, default=1)

    def pages(self, tokens: int) -> float:
        """Number of pages that one sequence of `tokens` tokens takes, while its prompt is computed."""
        growing = windowed = 0.0
        for pages, span in self.growing:
            growing += pages * -(-tokens // span)
        for pages, span, kept, extra, _ in self.windowed:
            windowed += pages * -(-min(tokens, kept) // span) + extra
        return max(growing, windowed, self.fixed) if self.has_shares else growing + windowed + self.fixed

    @property
    def parts(self) -> tuple["Pool", ...]:
        """The parts that are apart, each as if it were the pool."""
        whole = self._replace(has_shares=False)
        return (
            whole._replace(windowed=(), fixed=0),
            whole._replace(growing=(), fixed=0),
            whole._replace(growing=(), windowed=()),
        )

    def passing(self, step_tokens: int) -> "Pool":
        """The pool of an engine that frees what leaves a window, where a step computes so many tokens of a prompt."""
        return self._replace(windowed=tuple(window._replace(passing=step_tokens) for window in self.windowed))

    @property
    def while_decoding(self) -> "Pool":
        """The pages of a sequence whose prompt is computed: of windows, what one step of it needed is given back."""
        return self._replace(windowed=tuple(window.while_decoding for window in self.windowed))

    def sequences(self, pages: float, tokens: int) -> float:
        """Sequences of `tokens` tokens that so many pages hold: one that computes its prompt, others that decode."""
        first = self.pages(tokens)
        return pages / first if pages < first else 1 + (pages - first) / self.while_decoding.pages(tokens)

    def together(self, sequences: float) -> "Pool":
        """The pages of so many sequences of one length, as if they were one; at least one, which computes its
        prompt.
        """
        others = sequences - 1
        if others <= 0:
            return self
        decoding = [
            each._replace(pages=each.pages * others, extra=each.extra * others) for each in self.while_decoding.windowed
        ]
        return self._replace(
            growing=tuple((pages * sequences, span) for pages, span in self.growing),
            windowed=(*self.windowed, *decoding),
            fixed=self.fixed * sequences,
        )

    def sequence_terms(self, tokens: int, fraction: float) -> tuple[MemoryTerm, ...]:
        """Bytes of one sequence on a rank that caches a fraction of the layers, by kind; they add up to those of its
        pages. Of parts that are apart the scarcest is what it takes.
        """
        if self.has_shares:
            return max(self.parts, key=lambda part: part.pages(tokens)).sequence_terms(tokens, fraction)
        terms = []
        page_bytes = self.page_bytes * fraction
        for pages, span in self.growing:
            terms.append(_blocks("layers that keep every token", -(-tokens // span), span, pages * page_bytes))
        for pages, span, kept, extra, _ in self.windowed:
            blocks = -(-min(tokens, kept) // span) + extra / pages
            terms.append(_blocks("layers with a window", blocks, span, pages * page_bytes))
        if self.fixed:
            count = (
                (Factor("pages", self.fixed), Factor("bytes a page", page_bytes, is_size=True))
                if self.page_bytes > 1
                else ()
            )
            terms.append(MemoryTerm("recurrent states", self.fixed * page_bytes, count))
        return tuple(terms)

    def longest(self, pages: float) -> int:
        """Length of the longest sequence that so many pages hold [tokens].

        Between the lengths at which a window fills up the need is a sum of straight lines; the longest such stretch
        that the pages reach decides.
        """
        if pages < self.pages(1):
            return 0
        if self.has_shares:
            return min(part.longest(pages) for part in self.parts)
        for full in sorted({window.kept for window in self.windowed} | {0}, reverse=True):
            growing = list(self.growing)
            spent = self.fixed
            for need, span, kept, extra, _ in self.windowed:
                spent += extra
                if kept > full:
                    growing.append((need, span))
                else:
                    spent += need * -(-kept // span)
            if not growing:
                if spent <= pages:
                    return UNBOUNDED
                continue
            step = min(span for _, span in growing)
            tokens = int((pages - spent) / sum(need / span for need, span in growing)) // step * step
            while tokens > 0 and self.pages(tokens) > pages:
                tokens -= step
            if tokens >= full:
                return tokens
        return 0


def _blocks(name: str, blocks: float, span: int, block_bytes: float) -> MemoryTerm:
    """Blocks of `span` tokens, or tokens where each is a block of its own."""
    count, size = ("tokens", "bytes a token") if span == 1 else (f"blocks of {span:,} tokens", "bytes a block")
    return MemoryTerm(name, blocks * block_bytes, (Factor(count, blocks), Factor(size, block_bytes, is_size=True)))
