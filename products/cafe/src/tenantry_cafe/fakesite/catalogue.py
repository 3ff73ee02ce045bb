"""The cafes, boards and preset accounts that every fake site starts with."""

from dataclasses import dataclass

DEFAULT_PASSWORD = "cafe-demo-1234"  # noqa: S105 - a demo password, printed with the demo sign-ins


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board of a cafe. An account may write in it from `write_level` up; everybody may read."""

    slug: str
    name: str
    about: str
    write_level: int = 1


@dataclass(frozen=True, kw_only=True)
class Cafe:
    """A cafe and its boards."""

    slug: str
    name: str
    about: str
    boards: tuple[Board, ...]

    def find_board(self, slug: str) -> Board | None:
        """Find a board by its slug; None when the cafe has no such board."""
        return next((board for board in self.boards if board.slug == slug), None)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """An account that exists from the start. Level 2 is a regular member, level 1 a new one."""

    login: str
    nickname: str
    level: int


CAFES = (
    Cafe(
        slug="market",
        name="우리동네 장터",
        about="이웃끼리 사고팔고 나누는 동네 직거래 카페",
        boards=(
            Board(
                slug="notice", name="공지사항", about="운영진이 알리는 소식입니다.", write_level=9
            ),
            Board(slug="free", name="자유게시판", about="사는 이야기를 나눠요."),
            Board(slug="sale", name="판매해요", about="사진과 함께 판매 글을 올려 주세요."),
            Board(
                slug="members",
                name="정회원 판매",
                about="정회원만 글을 쓸 수 있는 게시판입니다.",
                write_level=2,
            ),
        ),
    ),
    Cafe(
        slug="craft",
        name="손작업 공방",
        about="뜨개, 가죽, 도자기. 손으로 만드는 사람들의 모임",
        boards=(
            Board(slug="showcase", name="작품 자랑", about="직접 만든 작품을 보여 주세요."),
            Board(slug="orders", name="주문 제작", about="주문을 받는 글을 올리는 곳입니다."),
        ),
    ),
)

PRESETS = (
    Preset(login="seller01", nickname="햇살상점", level=2),
    Preset(login="seller02", nickname="새싹가게", level=1),
)


def find_cafe(slug: str) -> Cafe | None:
    """Find a cafe by its slug; None when there is no such cafe."""
    return next((cafe for cafe in CAFES if cafe.slug == slug), None)
