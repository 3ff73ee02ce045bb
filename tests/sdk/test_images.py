"""Pictures from strangers: what they are, and that nothing else gets through."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from tenantry.sdk.images import ImageFacts, NotAnImage, TooManyPixels, read_image

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


def picture(kind: str) -> bytes:
    data = io.BytesIO()
    Picture.effect_noise((31, 17), 80).convert("RGB").save(data, kind)
    return data.getvalue()


SAMPLES = {kind: picture(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_told_by_its_bytes(kind: str) -> None:
    assert read_image(SAMPLES[kind]) == ImageFacts(media_type=KINDS[kind], width=31, height=17)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "PDF"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(NotAnImage):
        read_image(picture(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_picture_is_refused(kind: str) -> None:
    with pytest.raises(NotAnImage):
        read_image(SAMPLES[kind][: len(SAMPLES[kind]) // 2])


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_pixels_are_refused(kind: str) -> None:
    with pytest.raises(TooManyPixels):
        read_image(SAMPLES[kind], most_pixels=31 * 17 - 1)
    assert read_image(SAMPLES[kind], most_pixels=31 * 17).width == 31


@pytest.mark.parametrize("side", [12_000, 60_000], ids=["warned of", "refused by the decoder"])
def test_claim_of_a_giant_is_refused_before_it_is_decoded(side: int) -> None:
    data = io.BytesIO()
    Picture.new("1", (8, 8)).save(data, "GIF")
    claimed = bytearray(data.getvalue())
    claimed[6:10] = side.to_bytes(2, "little") * 2
    with pytest.raises(TooManyPixels):
        read_image(bytes(claimed))


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        read_image(data)


@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_picture_is_refused_or_read(kind: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLES[kind])
    for place, value in damage:
        data[place % len(data)] = value
    try:
        facts = read_image(bytes(data))
    except (NotAnImage, TooManyPixels):
        return
    assert facts.media_type == KINDS[kind]
