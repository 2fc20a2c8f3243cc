"""Where the pages of this room are hung."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
