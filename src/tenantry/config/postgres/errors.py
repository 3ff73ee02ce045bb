"""The one refusal of the embedded PostgreSQL."""


class PostgresUnavailable(Exception):
    """The server cannot be had: `cause` says why and `remedy` what to do, in plain sentences.

    The words are English and untranslated: they appear before the settings, and so the
    catalogues, are there. They never hold a password.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy
