"""What counts as the same post, and what an approval is bound to."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tenantry_cafe.comparing import normal_line, normal_lines, same_text, same_title
from tenantry_cafe.digests import digest_of, digest_of_bytes

words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)


@given(st.lists(words, min_size=1), st.sampled_from([" ", "\u00a0", "  ", "\t", "\u2003"]))
def test_white_space_does_not_count(parts: list[str], gap: str) -> None:
    assert same_title(gap.join(parts), f" {' '.join(parts)}\n")


@given(st.text())
def test_composition_of_letters_does_not_count(text: str) -> None:
    assert same_text(unicodedata.normalize("NFD", text), text)


@given(st.lists(words, min_size=1))
def test_empty_lines_do_not_count(lines: list[str]) -> None:
    assert same_text("\n\n \n".join(lines), "\n".join(lines))
    assert normal_lines("\n".join(lines)) == tuple(normal_line(line) for line in lines)


@given(st.lists(words, min_size=2, unique_by=normal_line))
def test_order_and_number_of_lines_count(lines: list[str]) -> None:
    assert not same_text("\n".join(lines), "\n".join(reversed(lines)))
    assert not same_text("\n".join(lines), "\n".join(lines[1:]))
    assert not same_text("\n".join(lines), " ".join(lines))


def test_digest_is_pinned() -> None:
    digest = digest_of(title="제목", body="a\nb", cafe="market", board="sale", images=["00", "ff"])
    assert digest == "3bfbc4cd5b2f3c33e2f185a2778a6b2a17f355ad0395a20934144c0fa7fd1d88"
    assert digest_of_bytes(b"") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


texts = st.fixed_dictionaries({k: st.text(max_size=3) for k in ("title", "body", "cafe", "board")})
hashes = st.lists(st.sampled_from(["a", "b"]), max_size=3)


@given(texts, hashes, texts, hashes)
def test_digests_are_equal_just_when_the_posts_are(
    one: dict[str, str], images: list[str], other: dict[str, str], others: list[str]
) -> None:
    same = (one, images) == (other, others)
    assert (digest_of(**one, images=images) == digest_of(**other, images=others)) is same
