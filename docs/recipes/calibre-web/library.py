"""An empty library for Calibre-Web, unless there is one: the tables that it reads, and the identity of the library."""

import importlib
import os
import pathlib
import uuid

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

importlib.import_module("calibreweb")  # puts the package cps on the path
tables = importlib.import_module("cps.db")

place = pathlib.Path(os.environ["CALIBRE_DBPATH"], "library")
place.mkdir(exist_ok=True)
if not (place / "metadata.db").exists():
    engine = create_engine(f"sqlite:///{place}/metadata.db", execution_options={"schema_translate_map": {"calibre": None}})
    tables.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(tables.Library_Id(uuid=str(uuid.uuid4())))
        session.commit()
