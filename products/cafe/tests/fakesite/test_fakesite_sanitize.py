import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry_cafe.fakesite.sanitize import sanitize_body

PICTURE = "/uploads/0123456789abcdef0123456789abcdef.png"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("<p>a</p><p>b</p>", "<p>a</p><p>b</p>"),
        ("a<div>b<br></div>", "a<p>b<br></p>"),
        ("<strong>a</strong><em>b</em>", "<b>a</b><i>b</i>"),
        ("<p onclick=x>a<p>b", "<p>a</p><p>b</p>"),
        ("<b><i>a</b>b</i>", "<b><i>a</i></b>b"),
        ("a<script>b</script><style>c</style>d", "ad"),
        ("<h1>a</h1><span style='x'>b</span>", "ab"),
        ("a < b &amp; &lt;script&gt;", "a &lt; b &amp; &lt;script&gt;"),
        ('<a href="javascript:x">a</a>', "a"),
        (
            '<a href="https://example.org/?a=1&b=2">a</a>',
            '<a href="https://example.org/?a=1&amp;b=2" rel="nofollow noopener">a</a>',
        ),
        (f'<img src="{PICTURE}" onerror=x alt=\'"\'>', f'<img src="{PICTURE}" alt="&quot;">'),
        ('a<img src="https://example.org/x.png"><img>', "a"),
        ("<p> &nbsp;<br></p>", ""),
    ],
)
def test_body_keeps_only_the_allowed_tags(raw: str, clean: str) -> None:
    assert sanitize_body(raw)[0] == clean


def test_images_are_listed_in_order() -> None:
    other = PICTURE.replace("0123", "ffff")
    assert sanitize_body(f'<img src="{other}"><img src="{PICTURE}">')[1] == [other, PICTURE]


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b>",
                "</b>",
                "<i/>",
                "<div>",
                "</div>",
                "<a href=http://x>",
                "</a>",
                "<script>",
                "</script>",
                "<textarea>",
                "<!--",
                "-->",
                "<",
                "&lt;",
                "&#60;p>",
                "text",
            ]
        ),
        max_size=30,
    )
)
def test_cleaning_twice_changes_nothing_more(pieces: list[str]) -> None:
    once = sanitize_body("".join(pieces))[0]
    assert sanitize_body(once)[0] == once
