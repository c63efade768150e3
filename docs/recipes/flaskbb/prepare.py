"""FlaskBB's tables, its settings and the first administrator, unless they are there."""

import os

import forum
from flaskbb.extensions import db
from flaskbb.utils import populate
from sqlalchemy import inspect

with forum.create_app().app_context():
    if not inspect(db.engine).has_table("settings"):
        populate.create_latest_db()
        populate.create_default_groups()
        populate.create_default_settings()
        populate.create_user("admin", os.environ["ADMIN_PASSWORD"], os.environ["ADMIN_EMAIL"], "admin")
        populate.create_welcome_forum()
