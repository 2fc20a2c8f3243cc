"""What servers load: `wsgi:app` for the web, `wsgi:celery` for a worker and for beat."""

from cityjobs.app import create_app
from config import load_settings

app = create_app(load_settings().flask_config())
celery = app.extensions["celery"]
