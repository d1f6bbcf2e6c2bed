"""What a terminal shows of the bytes it was sent: enough of ECMA-48 for what the application writes."""

import re

TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-9;?<=>]*)[ -/]*(?P<final>[@-~])"  # a control sequence
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # an operating system command
    r"|\x1b[PX^_].*?\x1b\\"  # a device control string
    r"|\x1b[ -/]*[0-~]"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
    r"|(?P<control>[\x00-\x1f\x7f])",
    re.DOTALL,
)


def screen_of(sent: bytes, width: int, height: int) -> list[str]:
    """The lines after all that was sent, without styles and trailing blanks."""
    cells = [[" "] * width for _ in range(height)]
    row = column = 0
    for token in TOKEN.finditer(sent.decode("utf-8", "replace")):
        final, text = token["final"], token["text"]
        numbers = [int(each) for each in re.findall(r"\d+", token["parameters"] or "")]
        if final in ("H", "f"):
            row, column = (numbers or [1])[0] - 1, numbers[1] - 1 if len(numbers) > 1 else 0
        elif final == "C":
            column += (numbers or [1])[0]
        elif final == "J" and numbers[:1] in ([2], [3]):
            cells = [[" "] * width for _ in range(height)]
        elif token["control"] == "\n":
            row = min(row + 1, height - 1)
        elif token["control"] == "\r":
            column = 0
        for character in text or "":
            if row < height and column < width:
                cells[row][column] = character
            column += 1
    return ["".join(line).rstrip() for line in cells]
