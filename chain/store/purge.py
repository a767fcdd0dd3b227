"""Deleting a chain's database."""

import os

from chain.store.errors import DatabaseCorrupt, DatabaseUnavailable
from chain.store.leveldb import LevelDB, holds_database, remove_database
from chain.store.schema import META_BUILDING, META_VERSION


def purge(path: str | os.PathLike[str]) -> None:
    """Delete the database in folder `path`, also a corrupt one.

    Raises `DatabaseLocked` while a node runs on it, `DatabaseUnavailable` where there is none or where the
    folder holds another program's LevelDB.
    """
    if not holds_database(path):
        raise DatabaseUnavailable(os.fspath(path), "there is no database in this folder")
    if _is_foreign(path):
        raise DatabaseUnavailable(
            os.fspath(path), "it holds something that is not a Fixpoint chain; nothing was deleted"
        )
    remove_database(path)


def _is_foreign(path: str | os.PathLike[str]) -> bool:
    try:
        database = LevelDB.open(path, create=False)
    except DatabaseCorrupt:
        return False
    try:
        stamps = database.multi_get((META_VERSION, META_BUILDING))
        return stamps == [None, None] and next(database.iterate(), None) is not None
    except DatabaseCorrupt:
        return False
    finally:
        database.close()
