"""How dlt names columns: as the database does. Its own conventions change quotes and line breaks."""

from typing import ClassVar

from dlt.common.normalizers.naming.naming import NamingConvention as Base


class NamingConvention(Base):
    """Every name stays what it is."""

    PATH_SEPARATOR: ClassVar[str] = "\x1f"  # of nested data, which we have none of

    def normalize_identifier(self, identifier: str) -> str:
        """The name itself."""
        return identifier

    @property
    def is_case_sensitive(self) -> bool:
        """`Id` and `id` are two names."""
        return True
