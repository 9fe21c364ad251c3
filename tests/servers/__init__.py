"""Real servers for the tests: MariaDB and S3 (SeaweedFS) on loopback, in a temporary folder, ended by their own pid."""

from tests.servers.database_server import MariaDB, mariadb
from tests.servers.object_store import S3, s3
from tests.servers.processes import HOST, MissingServer, ServerError, free_port

__all__ = ["HOST", "S3", "MariaDB", "MissingServer", "ServerError", "free_port", "mariadb", "s3"]
