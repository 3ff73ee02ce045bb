"""The site's memory: one SQLite file for accounts, sessions and articles, one folder for images."""

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenantry_cafe.fakesite.catalogue import PRESETS

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    login TEXT PRIMARY KEY, nickname TEXT NOT NULL, level INTEGER NOT NULL,
    salt BLOB NOT NULL, password_hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    token_hash BLOB PRIMARY KEY, login TEXT NOT NULL, created_at REAL NOT NULL,
    expires_at REAL NOT NULL, captcha_cleared INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS sessions_login ON sessions (login);
CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cafe TEXT NOT NULL, board TEXT NOT NULL,
    author TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, images INTEGER NOT NULL,
    created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS articles_board ON articles (cafe, board, id);
CREATE INDEX IF NOT EXISTS articles_author ON articles (author, id);
"""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A member of the site; `level` says where they may write."""

    login: str
    nickname: str
    level: int


@dataclass(frozen=True, kw_only=True)
class Session:
    """A signed-in session as the server knows it; `expires_at` is in seconds since the epoch."""

    token_hash: bytes
    account: Account
    created_at: float
    expires_at: float
    captcha_cleared: bool


@dataclass(frozen=True, kw_only=True)
class Article:
    """A stored article; `body` is clean HTML, `created_at` seconds since the epoch."""

    id: int
    cafe: str
    board: str
    author: str
    nickname: str
    title: str
    body: str
    images: int
    created_at: float


_ARTICLES = (
    "SELECT a.id, cafe, board, author, coalesce(nickname, author) AS nickname, title, body, images,"
    " created_at FROM articles a LEFT JOIN accounts ON login = author"
)


class Store:
    """All reads and writes of the site. One connection, one lock: safe to share between threads."""

    def __init__(self, folder: Path, *, password: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.uploads = folder / "uploads"
        self.uploads.mkdir(exist_ok=True)
        self._password = password
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            folder / "cafe.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        if not self._db.execute("SELECT 1 FROM accounts LIMIT 1").fetchone():
            self._add_presets()

    def close(self) -> None:
        """Close the database file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _add_presets(self) -> None:
        for preset in PRESETS:
            self.save_account(
                login=preset.login,
                nickname=preset.nickname,
                level=preset.level,
                password=self._password,
            )

    def reset(self) -> None:
        """Back to the first day: preset accounts, no sessions, articles or images."""
        with self._transaction() as db:
            for table in ("accounts", "sessions", "articles", "sqlite_sequence"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
        for file in self.uploads.iterdir():
            file.unlink(missing_ok=True)
        self._add_presets()

    # Accounts

    def save_account(self, *, login: str, nickname: str, level: int, password: str) -> None:
        """Create the account, or give an existing one these values."""
        salt = secrets.token_bytes(16)
        with self._transaction() as db:
            db.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT (login) DO UPDATE SET"
                " nickname = excluded.nickname, level = excluded.level, salt = excluded.salt,"
                " password_hash = excluded.password_hash",
                (login, nickname, level, salt, _hash_password(password, salt)),
            )

    def set_password(self, login: str, password: str) -> bool:
        """Change the password; sessions live on. False when there is no such account."""
        salt = secrets.token_bytes(16)
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE accounts SET salt = ?, password_hash = ? WHERE login = ?",
                (salt, _hash_password(password, salt), login),
            )
            return changed.rowcount == 1

    def check_password(self, login: str, password: str) -> bool:
        """Say whether the password is right; an unknown login takes as long."""
        rows = self._rows("SELECT salt, password_hash FROM accounts WHERE login = ?", login)
        salt, known = (rows[0]["salt"], rows[0]["password_hash"]) if rows else (b"", b"")
        return hmac.compare_digest(_hash_password(password, salt), known)

    # Sessions

    def open_session(self, login: str, *, now: float, lifetime: float) -> str:
        """Start a session and return its cookie value; only a hash of it is kept."""
        token = secrets.token_urlsafe(32)
        with self._transaction() as db:
            db.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, 0)",
                (_hash_token(token), login, now, now + lifetime),
            )
        return token

    def find_session(self, token: str, *, now: float) -> Session | None:
        """Find the live session of a cookie value."""
        rows = self._rows(
            "SELECT * FROM sessions JOIN accounts USING (login)"
            " WHERE token_hash = ? AND expires_at > ?",
            _hash_token(token),
            now,
        )
        if not rows:
            return None
        row = rows[0]
        account = Account(login=row["login"], nickname=row["nickname"], level=row["level"])
        return Session(
            token_hash=row["token_hash"],
            account=account,
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            captcha_cleared=bool(row["captcha_cleared"]),
        )

    def drop_session(self, session: Session) -> None:
        """End one session."""
        self._rows("DELETE FROM sessions WHERE token_hash = ?", session.token_hash)

    def drop_sessions(self, login: str) -> int:
        """End every session of the account; how many there were."""
        with self._transaction() as db:
            return db.execute("DELETE FROM sessions WHERE login = ?", (login,)).rowcount

    def clear_captcha(self, token: str) -> None:
        """Remember that a person solved the CAPTCHA before writing in this session."""
        self._rows(
            "UPDATE sessions SET captcha_cleared = 1 WHERE token_hash = ?", _hash_token(token)
        )

    # Articles and images

    def add_article(
        self, *, cafe: str, board: str, author: str, title: str, body: str, images: int, now: float
    ) -> int:
        """Store one article and return its number. Equal articles are not merged."""
        with self._transaction() as db:
            added = db.execute(
                "INSERT INTO articles (cafe, board, author, title, body, images, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (cafe, board, author, title, body, images, now),
            )
            return int(added.lastrowid or 0)

    def find_article(self, article_id: int) -> Article | None:
        """Find an article by its number."""
        rows = self._rows(f"{_ARTICLES} WHERE a.id = ?", article_id)
        return Article(**dict(rows[0])) if rows else None

    def list_articles(
        self,
        *,
        cafe: str | None = None,
        board: str | None = None,
        author: str | None = None,
        limit: int = -1,
        offset: int = 0,
    ) -> list[Article]:
        """Newest first; without a limit all of them."""
        where, values = _filter(cafe=cafe, board=board, author=author)
        sql = f"{_ARTICLES} {where} ORDER BY a.id DESC LIMIT ? OFFSET ?"
        return [Article(**dict(row)) for row in self._rows(sql, *values, limit, offset)]

    def count_articles(
        self, *, cafe: str | None = None, board: str | None = None, author: str | None = None
    ) -> int:
        """Count the articles that match."""
        where, values = _filter(cafe=cafe, board=board, author=author)
        rows = self._rows(f"SELECT count(*) FROM articles {where}", *values)  # noqa: S608
        return int(rows[0][0])

    def save_image(self, data: bytes, extension: str) -> str:
        """Keep the bytes under a new name and return the name."""
        name = f"{secrets.token_hex(16)}.{extension}"
        (self.uploads / name).write_bytes(data)
        return name


def _filter(**columns: str | None) -> tuple[str, list[str]]:
    given = {name: value for name, value in columns.items() if value is not None}
    if not given:
        return "", []
    return "WHERE " + " AND ".join(f"{name} = ?" for name in given), list(given.values())


def _hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _hash_password(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt or b"none", n=2**10, r=8, p=1)
