"""Everything that is measured, as one table: `python -m benchmarks`. On a quiet machine; it takes two minutes."""

from benchmarks import bytes, speed, start
from benchmarks.measure import table


def main() -> None:
    print(table((*start.measure(), *bytes.measure(), *speed.measure())))


if __name__ == "__main__":
    main()
