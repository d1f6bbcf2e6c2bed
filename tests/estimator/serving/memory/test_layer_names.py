"""What layers keep, in words."""

from estimator.serving.memory.cache import LayerKind


def test_layers_say_what_they_keep() -> None:
    assert LayerKind(4, 0.0, state_bytes=8.0).name == "recurrent state"
    assert LayerKind(layers=4, token_bytes=2.0, window=1024).name == "window of 1,024"
    assert LayerKind(layers=4, token_bytes=2.0, window=8192, chunked=True).name == "chunk of 8,192"
    assert LayerKind(4, 2.0).name == "every token"
