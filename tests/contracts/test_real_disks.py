"""A disk that is full and one that is read-only, as the kernel has them: nothing is lost, and the cause is said.

They are mounted for each test, which takes the rights to do so; without these the tests are skipped.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.cache import DATA
from scripts.kill_saves import Saved, bundle, prices, session

Mount = Callable[[str], Path]
SAVED = pytest.mark.parametrize("saved", [session(), prices(), bundle()], ids=lambda saved: saved.name)
SIZE = "size=512k"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts an empty disk in memory under a folder of the test, with the given options."""
    disk = tmp_path / "disk"

    def mounted(options: str) -> Path:
        disk.mkdir(exist_ok=True)
        asked = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], capture_output=True)
        if asked.returncode:
            pytest.skip("this user mounts nothing")
        return disk

    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only root mounts disks")
    yield mounted
    subprocess.run(["umount", str(disk)], capture_output=True)


def fill(disk: Path) -> None:
    """Takes every free block of a disk."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        for size in (4096, 1):
            try:
                while ballast.write(b"x" * size):
                    pass
            except OSError:
                continue


@SAVED
def test_a_full_disk_keeps_the_state_before_and_takes_the_next_once_there_is_room(saved: Saved, mount: Mount) -> None:
    disk = mount(SIZE)
    saved.save(disk, 0)
    fill(disk)
    with pytest.raises(OSError, match=r"No space left on device|was not written"):
        saved.save(disk, 1)
    assert saved.state(disk) == 0
    assert not list(disk.rglob("*.part"))
    (disk / "ballast").unlink()
    saved.save(disk, 1)
    assert saved.state(disk) == 1


@SAVED
def test_a_read_only_disk_keeps_what_it_has(saved: Saved, mount: Mount) -> None:
    disk = mount(SIZE)
    saved.save(disk, 0)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(OSError, match=r"Read-only file system|was not written"):
        saved.save(disk, 1)
    assert saved.state(disk) == 0


@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_verbs_answer_with_such_a_home(kind: str, mount: Mount) -> None:
    """The catalogue is read from its YAML each time, for lack of a place to keep what was read."""
    home = mount("size=4k" if kind == "full" else "ro")
    if kind == "full":
        fill(home)
    environment = (
        os.environ | {"HOME": str(home)} | {f"XDG_{name}_HOME": str(home) for name in ("CACHE", "CONFIG", "STATE")}
    )
    arguments = ["estimate", "--instance", "g6.xlarge", "--model", "Qwen/Qwen3-0.6B"]
    done = subprocess.run([sys.executable, "-m", "tui", *arguments], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "fits" in done.stdout
    assert not list(DATA.rglob("*.part"))
