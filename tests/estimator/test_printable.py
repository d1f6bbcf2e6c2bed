"""What leaves the program for a terminal."""

import pytest

from estimator.printable import printable, without_controls


@pytest.mark.parametrize("control", ["\x1b]52;c;aGFjaw==\x07", "\n", "\r", "\x9b31m", "\u2028", "\u202e", "\ud800"])
def test_no_character_that_a_terminal_acts_upon_is_left(control: str) -> None:
    for text in (printable(f"Qwen{control}3"), without_controls(f"Qwen{control}3")):
        assert text.isprintable()
        assert text.startswith("Qwen\N{REPLACEMENT CHARACTER}")


def test_a_line_longer_than_its_limit_ends_in_an_ellipsis() -> None:
    assert printable("abcdefgh", 8) == "abcdefgh"
    assert printable("abcdefghi", 8) == "abcdefg…"
